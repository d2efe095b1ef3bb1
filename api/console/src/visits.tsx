// Weekly visits: who is overdue first; and for supervisors the hours that helpers gave, with the table for the time bank.
import { Alert, Button, Input, Segmented, Table } from "antd";
import { useEffect, useState } from "react";
import { useSpeech } from "./language";
import { GROUPS } from "./needs";
import { useRefusal } from "./refusal";
import { download, get } from "./session";
import type { HelperTotal, HoursTotals, VisitDue, VisitsDue } from "./types";

const RENEW_MS = 60_000;
const DAY_MS = 86_400_000;
const isGroup = (said: string): said is (typeof GROUPS)[number] => (GROUPS as readonly string[]).includes(said);

export function VisitsPage({ supervisor }: { supervisor: boolean }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [shown, setShown] = useState<"overdue" | "all">("overdue");
  const [found, setFound] = useState<VisitsDue | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  useEffect(() => {
    const stop = new AbortController();
    const load = (): void => {
      get<VisitsDue>(`/api/v1/visits?overdue=${shown === "overdue"}`, stop.signal).then(
        (page) => {
          setFound(page);
          setTrouble(null);
        },
        (error: unknown) => {
          if (!stop.signal.aborted) setTrouble(explain(error));
        },
      );
    };
    load();
    const timer = window.setInterval(load, RENEW_MS);
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, [shown]);

  return (
    <main className="system" data-testid="visits-page">
      {trouble !== null && <Alert type="error" title={trouble} />}
      <h3>
        {t("visits.title")} {found !== null && <b className={found.visits.some((each) => each.overdue) ? "count hot" : "count"} data-testid="overdue">{found.visits.filter((each) => each.overdue).length}</b>}
      </h3>
      <p className="small">{t("visits.rule")}</p>
      <Segmented<"overdue" | "all"> value={shown} onChange={setShown} options={[{ value: "overdue", label: t("visits.only_overdue") }, { value: "all", label: t("visits.all") }]} />
      <Table<VisitDue>
        size="small" rowKey="resident_id" pagination={{ pageSize: 20, hideOnSinglePage: true }} dataSource={found?.visits ?? []}
        locale={{ emptyText: <span className="nobody">{found === null ? "…" : t("visits.none")}</span> }} onRow={(row) => ({ "data-testid": `due-${row.resident_id}` }) as React.HTMLAttributes<HTMLElement>}
        columns={[
          { title: t("case.who"), render: (_, row) => <b>{row.name}</b> },
          { title: t("case.where"), render: (_, row) => (<>{row.address} <small>{row.area_code}</small></>) },
          { title: t("visits.groups"), render: (_, row) => row.groups.map((each) => (isGroup(each) ? t(`group.${each}`) : each)).join(" · ") },
          { title: t("cover.care"), dataIndex: "care_level", align: "right" },
          { title: t("visits.last"), render: (_, row) => (row.last_at === null ? t("visits.never") : at(row.last_at)) },
          { title: t("visits.due"), render: (_, row) => (<>{at(row.due_at)} {row.overdue && <b className="hot">▲ {t("visits.overdue")}</b>}</>) },
        ]}
      />
      {supervisor && <Hours />}
    </main>
  );
}

/** The day of the desk's own calendar, for a field of a form. */
function dayOf(instant: Date): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${instant.getFullYear()}-${pad(instant.getMonth() + 1)}-${pad(instant.getDate())}`;
}

function Hours() {
  const { t, word } = useSpeech();
  const explain = useRefusal();
  const [from, setFrom] = useState(() => dayOf(new Date(Date.now() - 31 * DAY_MS)));
  const [to, setTo] = useState(() => dayOf(new Date()));
  const [found, setFound] = useState<HoursTotals | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  // Whole days of this desk's own calendar, the last one included.
  const asked = (): string => {
    const until = new Date(`${to}T00:00:00`);
    until.setDate(until.getDate() + 1);
    return new URLSearchParams({ from_at: new Date(`${from}T00:00:00`).toISOString(), to_at: until.toISOString() }).toString();
  };
  useEffect(() => {
    if (from === "" || to === "") return;
    get<HoursTotals>(`/api/v1/helper-hours/totals?${asked()}`).then(
      (totals) => {
        setFound(totals);
        setTrouble(null);
      },
      (error: unknown) => setTrouble(explain(error)),
    );
  }, [from, to]);

  return (
    <section data-testid="hours">
      <h3>{t("hours.title")}</h3>
      {trouble !== null && <Alert type="error" title={trouble} />}
      <div className="bar">
        <Input type="date" value={from} onChange={(event) => setFrom(event.target.value)} aria-label={t("hours.from")} />
        <Input type="date" value={to} onChange={(event) => setTo(event.target.value)} aria-label={t("hours.to")} />
        <Button disabled={from === "" || to === ""} data-testid="hours-csv" onClick={() => download(`/api/v1/helper-hours?${asked()}`, `hours-${from}-${to}.csv`).catch((error: unknown) => setTrouble(explain(error)))}>
          {t("hours.csv")}
        </Button>
      </div>
      <Table<HelperTotal>
        size="small" rowKey="user_name" pagination={{ pageSize: 20, hideOnSinglePage: true }} dataSource={found?.helpers ?? []} locale={{ emptyText: <span className="nobody">{t("hours.none")}</span> }}
        columns={[
          { title: t("hours.who"), render: (_, row) => (<><b>{row.display_name || row.user_name}</b> <small>{word("helper", row.helper_kind)}</small></>) },
          { title: t("hours.times"), dataIndex: "times", align: "right" },
          { title: t("hours.visits"), dataIndex: "visits", align: "right" },
          { title: t("hours.hours"), align: "right", render: (_, row) => row.hours.toFixed(2) },
        ]}
      />
    </section>
  );
}
