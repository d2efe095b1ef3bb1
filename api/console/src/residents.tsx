// Residents: when each was last known to be alive, and from when on we cannot see.
import { Alert, Button, Empty, Input, Spin, Table } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { Consents } from "./consents";
import { BreakGlass, Broken } from "./glass";
import { Habits } from "./habits";
import { useSpeech } from "./language";
import { Needs } from "./needs";
import { Contacts, Residents, Where } from "./record";
import { useRefusal } from "./refusal";
import { get } from "./session";
import { Upstream } from "./upstream";
import type { CoverageNow, Opening, ResidentDetail, ResidentPage, ResidentRow } from "./types";

const RENEW_MS = 30_000;

export function CoverageMark({ coverage }: { coverage: CoverageNow }) {
  const { t, word, at } = useSpeech();
  const marks = { protected: "●", degraded: "◆", blind: "✕" };
  return (
    <span className={`coverage ${coverage.state}`} data-testid="coverage" data-state={coverage.state}>
      {marks[coverage.state]} {word("coverage", coverage.state)}
      {coverage.state === "blind" && (
        <small> {coverage.cannot_see_since === null ? t("people.cannot_see_ever") : t("people.cannot_see", { since: at(coverage.cannot_see_since) })}</small>
      )}
    </span>
  );
}

/** How far somebody is watched: the mark, since when, and why not better. */
export function Watched({ coverage }: { coverage: CoverageNow }) {
  const { t, at, sentence } = useSpeech();
  const since = coverage.since_at !== null && coverage.state !== "blind" ? `${t("cover.since")} ${at(coverage.since_at)}` : "";
  return (
    <p className={coverage.state === "protected" ? "small" : "held"} data-testid="watched">
      <CoverageMark coverage={coverage} /> {[since, ...coverage.reasons.map((reason) => sentence(reason))].filter((each) => each !== "").join(" · ")}
    </p>
  );
}

export function ResidentsPage({ looked = "" }: { looked?: string }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [words, setWords] = useState(looked);
  const [rows, setRows] = useState<ResidentRow[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [opening, setOpening] = useState<Opening | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const say = useRef(explain);
  say.current = explain;

  const load = useCallback(async (query: string, after: string | null, signal?: AbortSignal) => {
    try {
      const page = await get<ResidentPage>(`/api/v1/residents?${new URLSearchParams({ q: query, ...(after === null ? {} : { after }) })}`, signal);
      setRows((before) => (after === null ? page.residents : [...(before ?? []), ...page.residents]));
      setNext(page.next_after);
      setTrouble(null);
    } catch (error) {
      if (!signal?.aborted) setTrouble(say.current(error));
    }
  }, []);

  useEffect(() => {
    const stop = new AbortController();
    const timer = window.setTimeout(() => void load(words, null, stop.signal), 250);
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [words, load]);

  return (
    <div className="desk">
      <section className="queue people">
        <div className="bar">
          <Input allowClear value={words} onChange={(event) => setWords(event.target.value)} placeholder={t("people.search")} data-testid="search" />
          <Button onClick={() => void load(words, null)}>{t("act.refresh")}</Button>
          <BreakGlass
            onOpened={(made) => {
              setOpening(made);
              setChosen(made.resident_id);
            }}
          />
        </div>
        {trouble !== null && <Alert type="error" title={trouble} />}
        {opening !== null && chosen === opening.resident_id && (
          <Broken
            opening={opening}
            onEnded={() => {
              setOpening(null);
              setChosen(null);
            }}
          />
        )}
        {rows === null ? (
          trouble === null && <Spin />
        ) : (
          <Table<ResidentRow>
            size="small" rowKey="resident_id" dataSource={rows} pagination={false} locale={{ emptyText: t("people.none") }}
            onRow={(row) => ({ onClick: () => setChosen(row.resident_id), className: row.resident_id === chosen ? "chosen" : "" })}
            columns={[
              { title: t("case.who"), render: (_, row) => (<><b>{row.name}</b> <small>{row.address || row.home_id}</small></>) },
              { title: t("people.last_sign"), render: (_, row) => (row.last_sign_at === null ? t("people.no_sign") : at(row.last_sign_at)) },
              { title: "", render: (_, row) => <CoverageMark coverage={row.coverage} /> },
              { title: t("people.open_cases"), dataIndex: "open_cases", align: "right", render: (count: number) => (count === 0 ? "" : <b className="count hot">{count}</b>) },
            ]}
          />
        )}
        {next !== null && <Button onClick={() => void load(words, next)}>{t("people.more")}</Button>}
      </section>
      {chosen === null ? <aside className="panel empty">{t("people.choose")}</aside> : <ResidentPanel key={chosen} residentId={chosen} />}
    </div>
  );
}

function ResidentPanel({ residentId }: { residentId: string }) {
  const { t, word, at, duration, sentence } = useSpeech();
  const explain = useRefusal();
  const say = useRef(explain);
  say.current = explain;
  const [found, setFound] = useState<ResidentDetail | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  useEffect(() => {
    const stop = new AbortController();
    const load = (): void => {
      get<ResidentDetail>(`/api/v1/residents/${residentId}`, stop.signal).then(
        (detail) => {
          setFound(detail);
          setTrouble(null);
        },
        (error: unknown) => {
          if (!stop.signal.aborted) setTrouble(say.current(error));
        },
      );
    };
    load();
    const timer = window.setInterval(load, RENEW_MS);
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, [residentId]);

  if (found === null) return <aside className="panel empty">{trouble === null ? <Spin /> : <Alert type="error" title={trouble} />}</aside>;
  return (
    <aside className="panel" data-testid="resident-panel">
      {trouble !== null && <Alert type="error" title={trouble} />}
      <header>
        <h2>{found.resident.name}</h2>
        <CoverageMark coverage={found.coverage} />
      </header>
      {found.coverage.reasons.map((reason, index) => (
        <p key={index} className="held">
          {sentence(reason)}
        </p>
      ))}
      <section>
        <h3>{t("people.signs", { back: duration(found.looked_back_s) })}</h3>
        {found.signs.length === 0 && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("people.no_sign")} />}
        <ul className="lines" data-testid="signs">
          {found.signs.map((sign) => (
            <li key={`${sign.kind} ${sign.resident_id ?? ""}`}>
              <time>{at(sign.event_at)}</time> <b>{word("kind", sign.kind)}</b> {sign.room !== null && word("room", sign.room)} <small>{sign.device_id}</small>
            </li>
          ))}
        </ul>
      </section>
      <div className="record">
        <Residents residents={[found.resident]} />
        <Where home={found.home} now={Date.parse(found.now)} />
      </div>
      <Contacts contacts={found.contacts} />
      <Habits habits={found.habits} />
      <Needs residentId={residentId} />
      <Consents residentId={residentId} />
      <Upstream residentId={residentId} />
      <section>
        <h3>{t("people.devices")}</h3>
        <ul className="lines">
          {found.devices.map((device) => (
            <li key={device.device_id} className={device.silent ? "silent" : ""}>
              <b>{device.device_id}</b> {word("room", device.room)} <small>{device.role}</small>{" "}
              {device.last_seen_at === null ? t("people.never") : at(device.last_seen_at)}{" "}
              {device.silent ? `✕ ${t("people.silent")}` : `● ${t("people.speaking")}`} {!device.bound && <b>{t("people.unbound")}</b>}
            </li>
          ))}
        </ul>
      </section>
    </aside>
  );
}
