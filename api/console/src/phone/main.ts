// The page on the telephone: of a family, and of those who go there. Who is logged in decides which.
import { logIn, logOut, put, resume, whenSessionEnds, Refused } from "../session";
import type { Person } from "../types";
import { h, show } from "./dom";
import { family } from "./family";
import { helper } from "./helper";
import "./phone.css";
import { unsubscribe } from "./push";
import { language, speak, t } from "./words";

const root = document.getElementById("phone");
if (root === null) throw new Error("phone.html has no #phone");
let leave: () => void = () => undefined;

function header(person: Person | null): HTMLElement {
  const other = language === "zh" ? "en" : "zh";
  const change = (): void => {
    speak(other);
    if (person !== null) put("/api/v1/session/language", { language: other }).catch(() => undefined);
    enter(person);
  };
  return h("header", {},
    h("strong", {}, t("app.name")),
    h("button", { type: "button", class: "plain", click: change, "data-testid": "language", lang: other === "zh" ? "zh-CN" : "en" }, t("app.language")),
    person !== null && h("button", { type: "button", class: "plain", click: () => void unsubscribe().catch(() => undefined).then(logOut), "data-testid": "logout" }, t("app.out")),
  );
}

function login(refused: string | null): HTMLElement {
  const name = h("input", { autocomplete: "username", id: "name", required: true, maxlength: "80" });
  const password = h("input", { autocomplete: "current-password", id: "password", type: "password", required: true, maxlength: "400" });
  const submit = (event: Event): void => {
    event.preventDefault();
    logIn(name.value.trim(), password.value).then(enter, (error: unknown) => {
      enter(null, t(error instanceof Refused && error.problem.status !== 0 ? "login.refused" : "app.offline"));
    });
  };
  return h("main", {},
    h("h1", {}, t("app.name")),
    refused !== null && h("p", { class: "trouble", role: "alert" }, refused),
    h("form", { submit }, h("label", { for: "name" }, t("login.user")), name, h("label", { for: "password" }, t("login.password")), password,
      h("button", { class: "big", "data-testid": "login" }, t("login.go"))),
  );
}

function enter(person: Person | null, refused: string | null = null): void {
  leave();
  leave = () => undefined;
  if (root === null) return;
  if (person === null) return show(root, header(null), login(refused));
  const main = h("main", {});
  show(root, header(person), main);
  if (person.role === "family") leave = family(main);
  else if (person.role === "helper") leave = helper(main);
  else window.location.replace("/");
}

speak(language);
whenSessionEnds(() => enter(null));
resume().then(enter, () => enter(null, t("app.offline")));
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/phone-worker.js", { scope: "/phone" }).catch(() => undefined);
