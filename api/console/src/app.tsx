// Who is logged in decides what is shown: the desk for those who watch, one's relatives for a family, the system for an administrator.
import { App as AntApp, Button, ConfigProvider, Spin } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { useEffect, useState } from "react";
import { AdminDesk } from "./admin";
import { Desk } from "./desk";
import { SpeakProvider, keepLanguage, keptLanguage, useSpeech } from "./language";
import { Login } from "./login";
import { logOut, put, resume, whenSessionEnds } from "./session";
import { PolledCanary } from "./status";
import type { Language } from "./texts";
import type { Person } from "./types";

type State = { at: "starting" } | { at: "out"; ended: boolean } | { at: "in"; person: Person };

export function App() {
  const [language, setLanguage] = useState<Language>(keptLanguage);
  const [state, setState] = useState<State>({ at: "starting" });

  useEffect(() => {
    whenSessionEnds(() => setState((before) => ({ at: "out", ended: before.at === "in" })));
    resume().then(
      (person) => setState(person === null ? { at: "out", ended: false } : { at: "in", person }),
      () => setState({ at: "out", ended: false }),
    );
  }, []);

  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);

  const other: Language = language === "zh" ? "en" : "zh";
  const choose = (): void => {
    setLanguage(other);
    keepLanguage(other);
    if (state.at === "in") put("/api/v1/session/language", { language: other }).catch(() => undefined);
  };

  return (
    <SpeakProvider value={language}>
      <ConfigProvider locale={language === "zh" ? zhCN : enUS} button={{ autoInsertSpace: false }} theme={{ token: { colorPrimary: "#0b5c8a", colorError: "#c4161c", colorLink: "#0b5c8a", borderRadius: 4, motion: false } }}>
        <AntApp className="app">
          {state.at === "starting" && <Spin fullscreen />}
          {state.at === "out" && <Login ended={state.ended} onLanguage={choose} onLogin={(person) => setState({ at: "in", person })} />}
          {state.at === "in" && <Inside person={state.person} onLanguage={choose} />}
        </AntApp>
      </ConfigProvider>
    </SpeakProvider>
  );
}

function Inside({ person, onLanguage }: { person: Person; onLanguage(): void }) {
  const { t } = useSpeech();
  switch (person.role) {
    case "operator":
    case "supervisor":
      return <Desk person={person} onLanguage={onLanguage} />;
    case "family":
    case "helper":
      return <ToThePhone />;
    case "platform":
      return (
        <>
          <Header person={person} onLanguage={onLanguage} />
          <main className="system">{t("platform.what")}</main>
        </>
      );
    case "admin":
      return (
        <>
          <Header person={person} onLanguage={onLanguage}>
            <PolledCanary />
          </Header>
          <AdminDesk person={person} />
        </>
      );
  }
}

/** Families and helpers have a page of their own, made for the telephone. */
function ToThePhone() {
  useEffect(() => window.location.replace("/phone"), []);
  return <Spin fullscreen />;
}

/** The level that someone works at, by how much of the area code he is given. */
function levelOf(prefix: string) {
  if (prefix.length <= 4) return "level.city";
  if (prefix.length <= 6) return "level.county";
  return prefix.length <= 9 ? "level.town" : "level.community";
}

/** Name of the house, what the page adds, who is logged in, language, log-out. */
export function Header({ person, onLanguage, children }: { person: Person; onLanguage(): void; children?: React.ReactNode }) {
  const { t, word } = useSpeech();
  return (
    <header className="header">
      <span className="brand">
        <img src="/favicon.svg" alt="" width="26" height="26" /> {t("app.name")}
      </span>
      {children}
      <span className="who" title={word("role", person.role)}>
        {person.display_name || person.user_name} · {word("role", person.role)}
        {person.role !== "family" && person.area_prefix !== "" && ` · ${t(levelOf(person.area_prefix))} ${person.area_prefix}`}
      </span>
      <Button size="small" ghost onClick={onLanguage} data-testid="language">
        {t("nav.language")}
      </Button>
      <Button size="small" ghost onClick={() => void logOut()} data-testid="logout">
        {t("login.out")}
      </Button>
    </header>
  );
}
