// Rows of one list: what it is, why, how long there is, who has it.
import { Button, Empty, Tag } from "antd";
import { useRef } from "react";
import { useSpeech } from "./language";
import type { Ring } from "./heard";
import { PriorityMark } from "./priority";
import { type List, WAITS_UNTIL } from "./queue";
import { type TextKey, countdown } from "./texts";
import type { CaseRow, Offer } from "./types";
import { PITCH_PX, useWindowOfRows } from "./window-of-rows";

interface Props {
  rows: CaseRow[];
  list: List;
  known: boolean;
  me: string;
  now: number;
  chosen: string | null;
  offers: ReadonlyMap<string, Offer>;
  /** Who has a home already, by another case of it. */
  owners: ReadonlyMap<string, string>;
  /** What rings at this desk in cases that it has. */
  rings: ReadonlyMap<string, Ring>;
  onOpen(row: CaseRow): void;
  onClaim(row: CaseRow): void;
}

export function QueueList({ rows, list, known, me, now, chosen, offers, owners, rings, onOpen, onClaim }: Props) {
  const { t } = useSpeech();
  const drawn = useRef<HTMLUListElement>(null);
  const [first, end] = useWindowOfRows(drawn, rows.length);
  if (!known) return <Empty className="nothing" description={t("queue.not_known")} data-testid="not-known" />;
  if (rows.length === 0) return <Empty className="nothing" description={t(`queue.none_${list}`)} data-testid="nothing" />;
  return (
    <ul className="rows" data-testid="rows" ref={drawn} style={{ paddingTop: first * PITCH_PX, paddingBottom: (rows.length - end) * PITCH_PX }}>
      {rows.slice(first, end).map((row) => (
        <Row key={row.case_id} row={row} me={me} now={now} chosen={row.case_id === chosen} offer={offers.get(row.case_id)} owner={owners.get(row.home_id)} ring={rings.get(row.case_id)} onOpen={onOpen} onClaim={onClaim} />
      ))}
    </ul>
  );
}

interface RowProps extends Pick<Props, "me" | "now" | "onOpen" | "onClaim"> {
  row: CaseRow;
  chosen: boolean;
  offer: Offer | undefined;
  owner: string | undefined;
  ring: Ring | undefined;
}

function Row({ row, me, now, chosen, offer, owner, ring, onOpen, onClaim }: RowProps) {
  const { t, word, sentence, duration, at } = useSpeech();
  const asking = row.handling === "ASKING" && row.asking_until_at !== null;
  const waiting = row.desk_id === null && row.handling !== "HELD";
  // Why it rings; what is said to be over is said after it, never instead.
  const last = row.reasons.at(-1);
  const why = row.reasons.findLast((each) => each.on) ?? last;
  return (
    <li className={`row p${row.priority}${chosen ? " chosen" : ""}`} data-testid="row" data-case={row.case_id} data-home={row.home_id} onClick={() => onOpen(row)}>
      <PriorityMark priority={row.priority} calling={(waiting && !asking) || ring !== undefined} />
      <div className="what">
        <strong>
          {word("family", row.family)} <span className="home">{row.home_id}</span>
          {ring !== undefined && <Tag color="red" data-testid="rings">{t(`ring.${ring}`)}</Tag>}
          {row.test && <Tag color="purple">{t("row.test")}</Tag>}
          {asking && <Tag color="blue" data-testid="asking">{t("row.asking", { until: at(row.asking_until_at ?? "") })}</Tag>}
          {offer !== undefined && waiting && (
            <Tag color={offer.user_name === me ? "green" : "default"} data-testid="offer">
              {t(offer.user_name !== me ? "row.offered" : offer.why === "promise" ? "row.promised_me" : "row.offered_me", { who: offer.user_name, until: at(offer.until_at) })}
            </Tag>
          )}
          {owner !== undefined && waiting && (
            <Tag color={owner === me ? "green" : "default"} data-testid="same-home">{owner === me ? t("row.home_mine") : t("row.home_of", { who: owner })}</Tag>
          )}
          {(row.handling === "SHELVED" || row.handling === "SUSPENDED") && <Tag>{word("handling", row.handling)}</Tag>}
        </strong>
        <span className="reason">
          {why !== undefined && sentence(why)}
          {last !== undefined && last !== why && <small> → {sentence(last)}</small>}
        </span>
        <span className="small">
          {t("row.raised", { age: duration((now - Date.parse(row.raised_at)) / 1000) })} · {t("row.score", { score: row.score })}
          {row.signals > 1 && <> · {t("row.signals", { count: row.signals })}</>}
          {row.rung > 0 && <b className="escalated"> · {t("row.escalated", { rung: row.rung })}</b>}
          {row.former_desk_id !== null && waiting && <> · {t("row.was_with", { who: row.former_desk_id })}</>}
        </span>
      </div>
      <Clock row={row} me={me} now={now} />
      {waiting ? (
        <Button
          type={asking ? "default" : "primary"}
          data-testid="claim"
          onClick={(event) => {
            event.stopPropagation();
            onClaim(row);
          }}
        >
          {t(asking ? "row.take_over" : "row.claim")}
        </Button>
      ) : (
        <span className="holder" data-testid="holder">
          {word("handling", row.handling)}
          {row.desk_id !== null && row.desk_id !== me && <small>{t("row.held_by", { who: row.desk_id })}</small>}
        </span>
      )}
    </li>
  );
}

/** Each row has one countdown, to what comes next by itself: the end of asking, of a hold, of a lease; or until it should be taken. */
function endOf(row: CaseRow, me: string): [TextKey, string | null] {
  if (row.handling === "ASKING") return ["row.asking_for", row.asking_until_at];
  if (WAITS_UNTIL.has(row.handling)) return ["row.hold_ends", row.held_until_at];
  if (row.lease_until_at !== null) return [row.desk_id === me ? "row.lease" : "row.lease_of", row.lease_until_at];
  return ["row.due", row.deadline_at];
}

function Clock({ row, me, now }: { row: CaseRow; me: string; now: number }) {
  const { t } = useSpeech();
  const [what, end] = endOf(row, me);
  if (end === null) return <span className="clock" />;
  const left = (Date.parse(end) - now) / 1000;
  const late = left < 0;
  return (
    <span className={`clock${late ? " late" : left < 15 ? " soon" : ""}`} data-testid="clock">
      <small>{t(late && what === "row.due" ? "row.overdue" : what)}</small>
      {countdown(left)}
    </span>
  );
}
