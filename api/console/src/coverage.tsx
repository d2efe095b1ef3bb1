// How well areas are watched, from the city down to the community, and who is not: the frailest first, with whom to ring up.
import { Alert, Breadcrumb, Button, Segmented, Table } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { Phone } from "./record";
import { useRefusal } from "./refusal";
import { CoverageMark } from "./residents";
import { get, myName, post } from "./session";
import type { AreaCoverage, CoverageByArea, CoverageHome, CoveragePage } from "./types";

const RENEW_MS = 10_000;
/** Digits of a city, county, town and community. */
const LEVELS = [4, 6, 9, 12];
const STATES = ["protected", "degraded", "blind"] as const;
const SHOWN = ["any", "degraded", "blind"] as const;

export function CoverPage() {
  const { t, word, at, sentence } = useSpeech();
  const explain = useRefusal();
  const say = useRef(explain);
  say.current = explain;
  const [area, setArea] = useState("");
  const [shown, setShown] = useState<(typeof SHOWN)[number]>("any");
  const [counts, setCounts] = useState<CoverageByArea | null>(null);
  /** null: not known yet, which is not the same as nobody. */
  const [rows, setRows] = useState<CoverageHome[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  const load = useCallback(
    async (after: string | null, signal?: AbortSignal): Promise<void> => {
      try {
        const words = new URLSearchParams({ area, state: shown, ...(after === null ? {} : { after }) });
        if (after === null) setCounts(await get<CoverageByArea>(`/api/v1/coverage?area=${area}`, signal));
        const page = await get<CoveragePage>(`/api/v1/coverage/homes?${words}`, signal);
        setRows((before) => (after === null || before === null ? page.homes : [...before, ...page.homes]));
        setNext(page.next_after);
        setTrouble(null);
      } catch (error) {
        if (signal?.aborted) return;
        setTrouble(say.current(error));
        setRows((before) => (before?.length === 0 ? null : before));
      }
    },
    [area, shown],
  );
  const more = rows !== null && rows.length > 50;
  useEffect(() => {
    const stop = new AbortController();
    setRows(null);
    setCounts(null);
    void load(null, stop.signal);
    return () => stop.abort();
  }, [load]);
  useEffect(() => {
    // Somebody who has opened further pages is reading: they are not taken away under his eyes.
    if (more) return;
    const timer = window.setInterval(() => void load(null), RENEW_MS);
    return () => window.clearInterval(timer);
  }, [load, more]);

  const path = LEVELS.filter((digits) => digits <= area.length).map((digits) => area.slice(0, digits));
  const counted = (row: AreaCoverage, state: (typeof STATES)[number]): string => (row[state].homes === 0 ? "" : t("cover.counted", { ...row[state] }));
  return (
    <main className="system" data-testid="coverage-page">
      {trouble !== null && <Alert type="error" title={trouble} />}
      <Breadcrumb
        items={["", ...path].map((each) => ({
          title: (
            <Button size="small" type="link" onClick={() => setArea(each)}>
              {each === "" ? t("cover.all") : each}
            </Button>
          ),
        }))}
      />
      <Table<AreaCoverage>
        size="small" rowKey="area" pagination={{ pageSize: 12, hideOnSinglePage: true }} dataSource={counts?.areas ?? []}
        columns={[
          {
            title: t("cover.area"),
            render: (_, row) => (
              <Button size="small" type="link" disabled={row.area.length >= 12 && row.area === area} onClick={() => setArea(row.area)} data-testid={`area-${row.area}`}>
                {row.area}
              </Button>
            ),
          },
          ...STATES.map((state) => ({
            title: <span className={`coverage ${state}`}>{word("coverage", state)}</span>,
            render: (_: unknown, row: AreaCoverage) => <span className={`coverage ${state}`} data-testid={`${state}-${row.area}`}>{counted(row, state)}</span>,
          })),
        ]}
      />
      <h3>{t("cover.list")}</h3>
      <Segmented<(typeof SHOWN)[number]>
        value={shown} onChange={setShown}
        options={SHOWN.map((each) => ({ value: each, label: each === "any" ? t("cover.any") : word("coverage", each) }))}
      />
      <Table<CoverageHome>
        size="small" rowKey="home_id" pagination={false} dataSource={rows ?? []}
        locale={{ emptyText: t(rows === null ? "cover.unknown" : shown === "any" ? "cover.none" : "cover.none_such") }}
        columns={[
          {
            title: t("case.who"),
            render: (_, row) =>
              row.residents.map((each) => (
                <div key={each.resident_id}>
                  <b>{each.name}</b> <small>{each.birth_year} ·</small> <Phone number={each.phone} />
                </div>
              )),
          },
          { title: t("cover.care"), dataIndex: "care_level", align: "right" },
          { title: "", render: (_, row) => (<>{row.address} <small>{row.home_id}</small></>) },
          { title: "", render: (_, row) => <CoverageMark coverage={row.coverage} /> },
          { title: t("cover.since"), render: (_, row) => (row.coverage.since_at === null ? "" : at(row.coverage.since_at)) },
          { title: t("cover.why"), render: (_, row) => row.coverage.reasons.map((each) => sentence(each)).join(" · ") },
        ]}
      />
      {next !== null && <Button onClick={() => void load(next)}>{t("people.more")}</Button>}
    </main>
  );
}

/** Whom to ring up in an incident: homes that fell silent together and are not back, the frailest first. */
export function IncidentHomes({ caseId, version }: { caseId: string; version: number }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [page, setPage] = useState<CoveragePage | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const say = useRef(explain);
  say.current = explain;
  const load = useCallback(
    async (after: string | null, signal?: AbortSignal): Promise<void> => {
      try {
        const found = await get<CoveragePage>(`/api/v1/cases/${caseId}/homes${after === null ? "" : `?after=${after}`}`, signal);
        setPage((before) => (after === null || before === null ? found : { ...found, homes: [...before.homes, ...found.homes] }));
        setTrouble(null);
      } catch (error) {
        if (!signal?.aborted) setTrouble(say.current(error));
      }
    },
    [caseId],
  );
  useEffect(() => {
    const stop = new AbortController();
    void load(null, stop.signal);
    return () => stop.abort();
    // Its numbers go into the case, so a new version says that somebody came back or went.
  }, [load, version]);
  const more = page !== null && page.homes.length > 50;
  useEffect(() => {
    // One who came back while another went leaves the numbers, and so the version, as they were.
    if (more) return;
    const timer = window.setInterval(() => void load(null), RENEW_MS);
    return () => window.clearInterval(timer);
  }, [load, more]);
  const write = (homeId: string, result: "reached" | "not_reached"): void => {
    // Shown once the server has kept it; what others write comes with the next reading.
    post(`/api/v1/cases/${caseId}/homes/${homeId}/call`, { result }).then(
      () => {
        const called = { at: new Date().toISOString(), actor: myName() ?? "", result };
        setPage((before) => before && { ...before, homes: before.homes.map((each) => (each.home_id === homeId ? { ...each, called } : each)) });
        setTrouble(null);
      },
      (error: unknown) => setTrouble(explain(error)),
    );
  };
  return (
    <section data-testid="incident">
      <h3>{t("cover.incident")}</h3>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {page?.homes.length === 0 && <p>{t("cover.all_back")}</p>}
      <ol className="lines">
        {page?.homes.map((home) => (
          <li key={home.home_id}>
            {home.residents.map((each) => (
              <span key={each.resident_id}>
                <b>{each.name}</b> {each.birth_year} · <Phone number={each.phone} />{" "}
              </span>
            ))}
            {t("cover.care")} {home.care_level} · {home.address} <CoverageMark coverage={home.coverage} />{" "}
            {home.called !== null && (
              <b className={home.called.result === "reached" ? "" : "hot"} data-testid={`called-${home.home_id}`}>
                {t(`cover.${home.called.result}`)} <small>{home.called.actor} {at(home.called.at)}</small>
              </b>
            )}{" "}
            {(["reached", "not_reached"] as const).map((result) => (
              <Button key={result} size="small" onClick={() => write(home.home_id, result)} data-testid={`${result}-${home.home_id}`}>
                {t(`cover.${result}`)}
              </Button>
            ))}
          </li>
        ))}
      </ol>
      {page !== null && page.next_after !== null && <Button onClick={() => void load(page.next_after)}>{t("people.more")}</Button>}
    </section>
  );
}
