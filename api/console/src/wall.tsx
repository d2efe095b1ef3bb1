// The wall at the front of the room: how many wait and how long, who is on duty, who is watched, and whether all of this is true now.
// No name, no home and no kind of alarm: whoever stands in the room reads it. Nothing here can be pressed.
import { useEffect, useState } from "react";
import { type Link } from "./feed";
import { useSpeech } from "./language";
import { PriorityMark } from "./priority";
import type { Queue } from "./queue";
import { get } from "./session";
import { LinkState, isStale } from "./status";
import { countdown } from "./texts";
import type { CaseRow, CoverageByArea, ShiftNow } from "./types";

const PRIORITIES = [1, 2, 3, 4, 5];
const WAITING = new Set(["RAISED", "QUEUED"]);
/** Rows of each list: what is read from the back of a room at once. Chosen. */
const OLDEST = 5;
const AREAS = 8;
const RENEW_MS = 10_000;
/** What was not renewed for three times as long is old, and said to be. */
const OLD_MS = 3 * RENEW_MS;

export function WallPage({ queue, link, now, shift }: { queue: Queue; link: Link; now: number; shift: ShiftNow | null }) {
  const { t, language } = useSpeech();
  const coverage = useCoverage();
  const cases = [...queue.cases.values()].filter((row) => !row.test);
  const waiting = cases.filter((row) => WAITING.has(row.handling));
  const stale = isStale(link) || !queue.known;
  return (
    <main className={stale ? "wall stale" : "wall"} data-testid="wall">
      <header>
        <b>{t("app.name")}</b>
        <span className="wall-clock">{new Date(now).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB", { hour12: false })}</span>
        <LinkState link={link} health={queue.health} />
      </header>
      {stale && <p className="wall-old" role="alert" data-testid="wall-old">{t(queue.known ? "wall.old" : "queue.not_known")}</p>}
      <section className="wall-counts">
        {PRIORITIES.map((priority) => (
          <Count key={priority} priority={priority} waiting={waiting} cases={cases} known={queue.known} />
        ))}
      </section>
      <section data-testid="wall-oldest">
        <h2>{t("wall.oldest")}</h2>
        {queue.known && waiting.length === 0 && <p>{t("queue.none_new")}</p>}
        <Oldest rows={waiting} now={now} />
      </section>
      <section data-testid="wall-duty">
        <h2>{t("shift.here")} {shift !== null && <Age at={shift.now} now={now} />}</h2>
        <Duty shift={shift} />
      </section>
      <section data-testid="wall-coverage">
        <h2>{t("nav.coverage")} {coverage !== null && <Age at={coverage.now} now={now} />}</h2>
        <Covered coverage={coverage} />
      </section>
    </main>
  );
}

function Count({ priority, waiting, cases, known }: { priority: number; waiting: readonly CaseRow[]; cases: readonly CaseRow[]; known: boolean }) {
  const { t } = useSpeech();
  const here = waiting.filter((row) => row.priority === priority).length;
  const rest = cases.filter((row) => row.priority === priority).length - here;
  return (
    <div className={here > 0 ? `wall-count p${priority} some` : `wall-count p${priority}`} data-testid={`wall-p${priority}`}>
      <PriorityMark priority={priority} calling={here > 0} />
      <b>{known ? here : "?"}</b>
      <small>{t("wall.with_desks", { count: known ? rest : "?" })}</small>
    </div>
  );
}

/** The cases that have waited longest over their time: the first to be late stands first. */
function Oldest({ rows, now }: { rows: readonly CaseRow[]; now: number }) {
  const { t } = useSpeech();
  const due = (row: CaseRow): number => Date.parse(row.deadline_at ?? row.raised_at);
  const shown = rows.toSorted((a, b) => due(a) - due(b)).slice(0, OLDEST);
  return (
    <ol className="wall-oldest">
      {shown.map((row) => {
        const left = (due(row) - now) / 1000;
        return (
          <li key={row.case_id} className={left < 0 ? "late" : ""}>
            <PriorityMark priority={row.priority} calling={left < 0} />
            <span>{row.area_code}</span>
            {row.rung > 0 && <span>{t("row.escalated", { rung: row.rung })}</span>}
            <b>
              <small>{t(left < 0 ? "row.overdue" : "row.due")}</small> {countdown(left)}
            </b>
          </li>
        );
      })}
    </ol>
  );
}

function Duty({ shift }: { shift: ShiftNow | null }) {
  const { t } = useSpeech();
  if (shift === null) return <p>{t("wall.unknown")}</p>;
  if (shift.centres.length === 0) return <p>{t("shift.none")}</p>;
  return (
    <>
      {shift.centres.map((centre) => (
        <div key={centre.area_prefix} className={centre.short ? "late" : ""}>
          <b>{centre.name || centre.area_prefix}</b> {t("shift.on_duty", { here: centre.on_duty, least: centre.least_on_duty })}
          <p>{centre.desks.filter((seat) => seat.user_name !== null).map((seat) => `${seat.name || seat.desk_id}: ${seat.display_name || seat.user_name}`).join(" · ")}</p>
        </div>
      ))}
    </>
  );
}

function Covered({ coverage }: { coverage: CoverageByArea | null }) {
  const { t, word } = useSpeech();
  if (coverage === null) return <p>{t("wall.unknown")}</p>;
  const seldom = coverage.areas.toSorted((a, b) => b.blind.homes - a.blind.homes || (a.area < b.area ? -1 : 1));
  const rows = [{ ...coverage.total, area: t("cover.all") }, ...seldom.slice(0, AREAS)];
  const states = ["protected", "degraded", "blind"] as const;
  return (
    <table>
      <thead>
        <tr>
          <th>{t("cover.area")}</th>
          {states.map((state) => (
            <th key={state}>{word("coverage", state)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.area}>
            <td>{row.area}</td>
            {states.map((state) => (
              <td key={state} className={state === "blind" && row.blind.homes > 0 ? "late" : ""}>{row[state].homes}</td>
            ))}
          </tr>
        ))}
      </tbody>
      {seldom.length > AREAS && <caption>{t("wall.more_areas", { count: seldom.length - AREAS })}</caption>}
    </table>
  );
}

/** Says how old something is as soon as it is old. */
function Age({ at, now }: { at: string; now: number }) {
  const { t, duration } = useSpeech();
  const age = now - Date.parse(at);
  return age > OLD_MS ? <span className="late" data-testid="wall-age">{t("wall.as_of", { age: duration(age / 1000) })}</span> : null;
}

/** Counts by area, asked for again and again; what was heard last stays, with its age. */
function useCoverage(): CoverageByArea | null {
  const [found, setFound] = useState<CoverageByArea | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const load = (): void => void get<CoverageByArea>("/api/v1/coverage?area=", stop.signal).then(setFound, () => undefined);
    load();
    const timer = window.setInterval(load, RENEW_MS);
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, []);
  return found;
}
