// The home's last hours before the event: in how many of ten minutes something happened, by place. Where nobody listened it is hatched: not empty, unknown.
import { Alert, Button } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get } from "./session";
import type { LastHours as Heard } from "./types";

const LABEL = 104;
const WIDTH = 600;
const LANE = 18;
const FOOT = 16;
const MINUTES = 10;
/** Room that the event's own words take beside their line. */
const BESIDE = 52;

export function LastHours({ caseId }: { caseId: string }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [found, setFound] = useState<Heard | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const load = useCallback(
    (signal?: AbortSignal): void => {
      get<Heard>(`/api/v1/cases/${caseId}/activity`, signal).then(
        (heard) => {
          setFound(heard);
          setTrouble(null);
        },
        (error: unknown) => signal?.aborted || setTrouble(explain(error)),
      );
      // Each reading is in the audit: a change of language reads nothing anew.
    },
    [caseId],
  );
  useEffect(() => {
    const stop = new AbortController();
    load(stop.signal);
    return () => stop.abort();
  }, [load]);
  return (
    <section data-testid="activity">
      <h3>
        {t("activity.title")}{" "}
        {found !== null && (
          <small>
            {t("activity.as_of", { at: at(found.now) })}{" "}
            <Button size="small" type="link" onClick={() => load()}>
              {t("act.refresh")}
            </Button>
          </small>
        )}
      </h3>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {found === null && trouble === null && <p className="small">{t("activity.unknown_yet")}</p>}
      {found !== null && <Chart activity={found} />}
    </section>
  );
}

function Chart({ activity }: { activity: Heard }) {
  const { t, sentence } = useSpeech();
  const from = Date.parse(activity.from_at);
  const whole = Math.max(1, Date.parse(activity.to_at) - from);
  const x = (instant: string | number): number => LABEL + ((typeof instant === "number" ? instant : Date.parse(instant)) - from) / whole * (WIDTH - LABEL);
  const lanes = Math.max(1, activity.lines.length);
  const height = lanes * LANE;
  const event = x(activity.event_at);
  const hours = hoursWithin(from, from + whole);
  const column = (activity.stretch_s * 1_000) / whole * (WIDTH - LABEL);
  const words = activity.unknown.length > 0 ? `${t("activity.what")} ${t("activity.unknown")}` : t("activity.what");
  return (
    <svg className="activity" viewBox={`0 0 ${WIDTH} ${height + FOOT}`} role="img" aria-label={words}>
      <defs>
        <pattern id="unknown" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="7" height="7" className="unknown-ground" />
          <line x1="0" y1="0" x2="0" y2="7" className="unknown-line" />
        </pattern>
      </defs>
      {activity.unknown.map((each) => (
        <rect key={each.from_at} data-testid="unknown" x={x(each.from_at)} y={0} width={Math.max(1, x(each.to_at) - x(each.from_at))} height={height} fill="url(#unknown)">
          <title>{t("activity.unknown")}</title>
        </rect>
      ))}
      {activity.lines.map((line, lane) => (
        <g key={`${line.kind} ${line.role} ${line.room}`} data-testid={`line-${line.kind}-${line.room}`}>
          <text x={0} y={(lane + 1) * LANE - 5}>{sentence(line.name)}</text>
          <line className="ground" x1={LABEL} x2={WIDTH} y1={(lane + 1) * LANE - 1} y2={(lane + 1) * LANE - 1} />
          {line.minutes.map((minutes, place) =>
            minutes === 0 ? null : (
              <rect
                key={place} className="bar" x={LABEL + place * column + 0.5} width={Math.max(1, Math.min(column, WIDTH - LABEL - place * column) - 1)}
                y={(lane + 1) * LANE - 1 - minutes / MINUTES * (LANE - 4)} height={minutes / MINUTES * (LANE - 4)}
              >
                <title>{t("activity.minutes", { count: minutes })}</title>
              </rect>
            ),
          )}
        </g>
      ))}
      {activity.lines.length === 0 && <text x={LABEL + 4} y={LANE - 5}>{t(activity.unknown.length > 0 ? "activity.unknown" : "activity.nothing")}</text>}
      {hours.map((hour) => (
        <g key={hour}>
          <line className="hour" x1={x(hour)} x2={x(hour)} y1={0} y2={height} />
          {Math.abs(x(hour) - event + BESIDE / 2) > BESIDE && <text x={x(hour)} y={height + FOOT - 4} textAnchor="middle">{String(new Date(hour).getHours()).padStart(2, "0")}:00</text>}
        </g>
      ))}
      <line className="event" x1={event} x2={event} y1={0} y2={height + 4} data-testid="event" />
      <text className="event" x={Math.min(event, WIDTH - 4)} y={height + FOOT - 4} textAnchor="end">▲ {t("activity.event")}</text>
    </svg>
  );
}

function hoursWithin(from: number, to: number): number[] {
  const first = new Date(from);
  first.setMinutes(60, 0, 0);
  const found: number[] = [];
  for (let hour = first.getTime(); hour < to; hour += 3_600_000) found.push(hour);
  return found;
}
