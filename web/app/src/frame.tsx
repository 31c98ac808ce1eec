/** What is around every page: the way to the others, how current everything is, and signing out. */

import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";

import { forgetQueue, status, unsent, unsentInAllTabs } from "./live";
import { number, t } from "./messages";
import { Navigation } from "./navigation";
import { forgetEverything } from "./offline";
import { Dialog } from "./parts/dialog";
import { Freshness } from "./parts/freshness";
import { endSession, user } from "./session";

export function Frame({ children }: { readonly children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#page">
        {t("skip")}
      </a>
      <header class="frame">
        <a class="brand" href="/">
          <img src="/favicon.svg" alt="" width="24" height="24" /> <span>{t("app")}</span>
        </a>
        <Waiting />
        <Freshness status={status.value} />
        <Menu />
      </header>
      <main id="page" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** The ways to other places. On a phone they are behind a button, so that the page itself has the room. */
function Menu() {
  const { path, url } = useLocation();
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [url]);
  return (
    <div class="menu" onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <button type="button" class="opener" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
        <span aria-hidden="true">☰</span> {t("menu")}
      </button>
      <div id="menu" class={open ? "open" : undefined}>
        <Navigation />
        <a class="own" href="/profile" aria-current={path === "/profile" ? "page" : undefined}>
          <bdi>{user.value?.name}</bdi>
        </a>
        <SignOut />
      </div>
    </div>
  );
}

/** How many of the user's changes are not on the server yet. */
function Waiting() {
  const count = unsent();
  return (
    <span class="waiting" role="status">
      {count > 0 && (
        <>
          <span class="in-full">{t("waiting", { count })}</span>
          <span class="in-short" aria-hidden="true">
            ◷ {number(count)}
          </span>
        </>
      )}
    </span>
  );
}

function SignOut() {
  const [lost, setLost] = useState(0);
  const leave = async (): Promise<void> => {
    setLost(0);
    await forgetQueue();
    const ended = endSession();
    await forgetEverything();
    await ended;
  };
  const ask = async (): Promise<void> => {
    const count = await unsentInAllTabs();
    if (count > 0) setLost(count);
    else await leave();
  };
  return (
    <>
      <button type="button" class="plain" onClick={() => void ask()}>
        {t("sign_out")}
      </button>
      {lost > 0 && (
        <Dialog title={t("unsent_title")} onClose={() => setLost(0)}>
          <p>{t("unsent", { count: lost })}</p>
          <div class="buttons">
            <button type="button" onClick={() => setLost(0)}>
              {t("stay")}
            </button>
            <button type="button" class="danger" onClick={() => void leave()}>
              {t("sign_out_anyway")}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
