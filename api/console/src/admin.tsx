// The administrator's pages: the register, who may log in, centres and rota, who is told, and what runs. No cases.
import { App as AntApp } from "antd";
import { useCallback, useEffect, useState } from "react";
import { HomesPage } from "./homes";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get } from "./session";
import { Found, RotaTable, Staffing } from "./shifts";
import { SystemPage } from "./system";
import { ToldPage } from "./told";
import type { Centre, Centres, Person, Rota } from "./types";
import { UsersPage } from "./users";

const PAGES = ["homes", "users", "centres", "told", "system"] as const;

export function AdminDesk({ person }: { person: Person }) {
  const { t } = useSpeech();
  const [page, setPage] = useState<(typeof PAGES)[number]>("homes");
  return (
    <>
      <nav className="pages">
        {PAGES.map((each) => (
          <button key={each} className={each === page ? "on" : ""} onClick={() => setPage(each)} data-testid={`nav-${each}`}>
            {t(`nav.${each}`)}
          </button>
        ))}
      </nav>
      {page === "homes" && <HomesPage area={person.area_prefix} />}
      {page === "users" && <UsersPage area={person.area_prefix} me={person.user_name} />}
      {page === "centres" && <CentresPage person={person} />}
      {page === "told" && <ToldPage person={person} />}
      {page === "system" && <SystemPage />}
    </>
  );
}

/** Centres, their desks, and the rota: set up here, sat at by others. */
function CentresPage({ person }: { person: Person }) {
  const { t } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [centres, setCentres] = useState<Centre[]>([]);
  const [rota, setRota] = useState<Rota | null>(null);
  const load = useCallback(async (): Promise<void> => {
    try {
      setCentres((await get<Centres>("/api/v1/centres")).centres);
      setRota(await get<Rota>("/api/v1/rota"));
    } catch (error) {
      void message.error({ content: explain(error), key: "centres" });
    }
    // A change of language asks nothing anew.
  }, []);
  useEffect(() => void load(), [load]);
  const send = async (what: () => Promise<unknown>): Promise<void> => {
    try {
      await what();
      await load();
    } catch (error) {
      void message.error({ content: explain(error), duration: 6, key: "centres" });
    }
  };
  return (
    <main className="system" data-testid="centres-page">
      <h3>{t("shift.here")}</h3>
      {centres.length === 0 && <p>{t("shift.none")}</p>}
      <Staffing centres={centres} manages sits={false} send={send} />
      <RotaTable rota={rota} centres={centres} manages send={send} />
      <Found send={send} area={person.area_prefix} />
    </main>
  );
}
