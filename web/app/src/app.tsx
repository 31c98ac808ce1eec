/** Which page an address shows, and the frame around all of them. */

import { lazy, LocationProvider, Route, Router, useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";

import { Frame } from "./frame";
import { t } from "./messages";
import { Home } from "./pages/home";
import { SignIn } from "./pages/sign_in";
import { user } from "./session";

const Registers = lazy(() => import("./pages/registers"));
const RegisterPage = lazy(() => import("./pages/register"));
const SchoolPage = lazy(() => import("./pages/school"));
const DistrictPage = lazy(() => import("./pages/district"));
const Admin = lazy(() => import("./pages/admin"));
const TeamPage = lazy(() => import("./pages/team"));
const MyTasksPage = lazy(() => import("./pages/my_tasks"));
const Profile = lazy(() => import("./pages/profile"));

export function App() {
  return (
    <LocationProvider>
      <Pages />
    </LocationProvider>
  );
}

function Pages() {
  const { path, url, route } = useLocation();
  const signedIn = user.value !== null;
  useEffect(() => {
    if (!signedIn && path !== "/sign-in") route(`/sign-in?to=${encodeURIComponent(url)}`, true);
  }, [signedIn, path]);
  if (path === "/sign-in") return <SignIn />;
  if (!signedIn) return null;
  return (
    <Frame>
      <Router>
        <Route path="/" component={Home} />
        <Route path="/register" component={Registers} />
        <Route path="/register/:class/:date/:period" component={RegisterPage} />
        <Route path="/schools/:id" component={SchoolPage} />
        <Route path="/district" component={DistrictPage} />
        <Route path="/admin" component={Admin} />
        <Route path="/teams/:id" component={TeamPage} />
        <Route path="/tasks" component={MyTasksPage} />
        <Route path="/profile" component={Profile} />
        <Route default component={NotFound} />
      </Router>
    </Frame>
  );
}

function NotFound() {
  return <p class="empty">{t("not_found")}</p>;
}
