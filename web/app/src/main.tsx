/** The first script of the pages. */

import { render } from "preact";

import { App } from "./app";
import { keepConnected } from "./live";
import { preferredLanguage, speak } from "./messages";
import { keepOffline } from "./offline";
import "./parts/kept";
import { keepLeaving } from "./session";
import { show, theme } from "./theme";
import "./style.css";

show(theme.value);
keepLeaving();
keepConnected();
void keepOffline();
void speak(preferredLanguage()).then(() => render(<App />, document.getElementById("app") as HTMLElement));
