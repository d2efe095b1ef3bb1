// One case: why, who, where, whom to call, what was done, and what the desk may do now.
import { Alert, App as AntApp, Button, Popconfirm, Spin, Tag } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { IncidentHomes } from "./coverage";
import { ActForm, type Form } from "./act-form";
import { Handovers } from "./handovers";
import { Helpers } from "./helpers";
import { useSpeech } from "./language";
import { PriorityMark } from "./priority";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import { Contacts, Residents, Where } from "./record";
import { Calls } from "./telephony";
import type { CaseAfter, CaseDetail, CaseRow } from "./types";

interface Props {
  caseId: string | null;
  row: CaseRow | undefined;
  /** Other open cases of this home. */
  beside: readonly CaseRow[];
  me: string;
  now: number;
  onDone(row: CaseRow): void;
  onClaim(row: CaseRow): void;
  onClose(): void;
}

const RENEW_MS = 20_000;
/** Ways out of each handling, in the order of work. The server decides; this only hides what it would refuse. */
const WAYS: Record<string, readonly Form[]> = {
  CLAIMED: ["verify", "dispatch", "hold", "resolve"],
  VERIFYING: ["dispatch", "hold", "resolve"],
  DISPATCHED: ["arrive", "hold", "resolve"],
  ON_SCENE: ["hold", "resolve"],
};

/** Technical cases of P4 and P5 may be shelved as well. */
function waysOf(row: CaseRow): readonly Form[] {
  const ways = WAYS[row.handling] ?? [];
  return row.family === "technical" && row.priority >= 4 && ways.length > 0 ? ["shelve", ...ways] : ways;
}

export function CasePanel({ caseId, row, beside, me, now, onDone, onClaim, onClose }: Props) {
  const { t, word, sentence, at } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [detail, setDetail] = useState<CaseDetail | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [form, setForm] = useState<Form | null>(null);

  const asked = useRef(0);
  const load = useCallback(async () => {
    if (caseId === null) return;
    const turn = ++asked.current;
    const latest = (): boolean => turn === asked.current;
    try {
      const found = await get<CaseDetail>(`/api/v1/cases/${caseId}`);
      // An older answer that comes late must not take the place of a newer one: it knows nothing of the claim.
      if (!latest()) return;
      setDetail(found);
      setTrouble(null);
    } catch (error) {
      if (latest()) setTrouble(explain(error));
    }
    // A change of language must not read the record again: each reading is in the audit.
  }, [caseId]);

  // Read again when the case changed by more than its lease.
  const seen = useRef<CaseRow | undefined>(undefined);
  useEffect(() => {
    const before = seen.current;
    seen.current = row;
    const onlyLease =
      before !== undefined && row !== undefined && before.version !== row.version && before.lease_until_at !== row.lease_until_at &&
      before.handling === row.handling && before.desk_id === row.desk_id && before.signals === row.signals && before.priority === row.priority && before.home_id === row.home_id;
    if (before?.version !== row?.version || before === undefined) if (!onlyLease) void load();
  }, [row, load]);

  const held = row !== undefined && row.desk_id === me && row.lease_until_at !== null;
  const lease = detail?.desk_id === me ? detail.lease_id : null;
  // Without the lease at hand the server would refuse: what needs it is shown when the record has arrived.
  const mine = held && lease !== null;

  useRenewal(mine ? { caseId: row.case_id, lease } : null, onDone, (error) => {
    void message.error({ content: explain(error), key: "renew" });
  });

  const act = useCallback(
    async (what: string, extra: object = {}): Promise<boolean> => {
      if (row === undefined) return false;
      const body = what === "note" ? extra : { version: row.version, lease_id: lease, ...extra };
      try {
        onDone(await post<CaseAfter>(`/api/v1/cases/${row.case_id}/${what}`, body));
        setForm(null);
        void load();
        return true;
      } catch (error) {
        void message.error({ content: explain(error), duration: 6, key: "act" });
        void load();
        return false;
      }
    },
    [row, lease, load, message, explain, onDone],
  );

  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const inField = (event.target as HTMLElement).closest("input, textarea, select, [role=dialog]") !== null;
      if (inField || form !== null || event.ctrlKey || event.altKey || event.metaKey || row === undefined) return;
      const key = event.key.toLowerCase();
      const wanted = key === "n" ? "note" : key === "r" && mine ? "resolve" : null;
      if (wanted !== null) {
        event.preventDefault();
        setForm(wanted);
      } else if (key === "v" && mine && row.handling === "CLAIMED") void act("verify");
    };
    window.addEventListener("keydown", pressed, true);
    return () => window.removeEventListener("keydown", pressed, true);
  }, [form, row, mine, act]);

  if (caseId === null) return <aside className="panel empty">{t("case.none")}</aside>;
  if (detail === null) {
    return (
      <aside className="panel empty">
        {trouble === null ? <Spin /> : <Alert type="error" title={trouble} action={<Button onClick={() => void load()}>{t("act.retry")}</Button>} />}
      </aside>
    );
  }
  const shown = row ?? detail;
  return (
    <aside className="panel" data-testid="panel" data-case={caseId}>
      <header>
        <PriorityMark priority={shown.priority} calling={shown.desk_id === null && row !== undefined} />
        <h2>{word("family", shown.family)}</h2>
        <Tag data-testid="handling">{word("handling", shown.handling)}</Tag>
        {shown.asking_until_at !== null && <Tag color="blue">{t("row.asking", { until: at(shown.asking_until_at) })}</Tag>}
        {shown.desk_id !== null && shown.desk_id !== me && <b>{t("row.held_by", { who: shown.desk_id })}</b>}
        <Button size="small" type="text" onClick={onClose} aria-label={t("act.close_panel")}>
          ✕
        </Button>
      </header>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {row === undefined && <Alert type="info" showIcon title={t("case.gone")} data-testid="gone" />}
      <div className="acts">
        {row !== undefined && row.desk_id === null && (
          <Button type="primary" onClick={() => onClaim(row)} data-testid="panel-claim">
            {t(row.handling === "ASKING" ? "row.take_over" : "act.claim")}
          </Button>
        )}
        {mine && shown.handling in WAYS &&
          beside.filter((each) => each.handling === "QUEUED" || each.handling in WAYS).filter((each) => each.family !== "technical").map((each) => (
            <Popconfirm key={each.case_id} title={t("act.merge_warning")} okText={t("act.merge_do")} cancelText={t("act.cancel")} onConfirm={() => void act("merge", { into: each.case_id })}>
              <Button data-testid={`merge-${each.family}`}>{t("act.merge", { family: word("family", each.family) })}</Button>
            </Popconfirm>
          ))}
        {mine &&
          waysOf(shown).map((way) => (
            <Button key={way} type={way === "resolve" ? "primary" : "default"} data-testid={`act-${way}`}
              onClick={() => (way === "verify" || way === "arrive" ? void act(way) : setForm(way))}>
              {t(`act.${way}`)}
            </Button>
          ))}
        {mine && (
          <Button onClick={() => void act("release")} data-testid="act-release">
            {t("act.release")}
          </Button>
        )}
        {row !== undefined && (
          <Button onClick={() => setForm("note")} data-testid="act-note">
            {t("act.note")}
          </Button>
        )}
        {!held && row !== undefined && row.desk_id !== null && <small>{t("case.readonly")}</small>}
      </div>
      <section>
        <h3>
          {t("case.why")} <small>{t("row.score", { score: shown.score })} · {word("condition", shown.condition)} · {t("case.event_at", { at: at(detail.event_at) })}</small>
        </h3>
        <ul className="reasons" data-testid="reasons">
          {detail.reasons.map((reason, index) => (
            <li key={index} className={reason.on ? "" : "faded"}>
              {sentence(reason)}
            </li>
          ))}
        </ul>
        <ul className="reasons small" data-testid="evidence">
          {detail.evidence.map((each, index) => (
            <li key={index}>{sentence(each)}</li>
          ))}
        </ul>
        {detail.held_until_at !== null && <p className="held">{t("case.held_until", { until: at(detail.held_until_at), why: detail.hold_reason ?? "" })}</p>}
        {detail.after_case_id !== null && <p className="small">{t("case.follows")}</p>}
      </section>
      {detail.home_id.startsWith("area-") ? (
        <IncidentHomes caseId={detail.case_id} version={shown.version} />
      ) : detail.home === null ? (
        <Alert type="warning" showIcon title={t("case.unregistered", { home: detail.home_id })} />
      ) : (
        <div className="record">
          <Residents residents={detail.residents} concerned={detail.resident_id} />
          <Where home={detail.home} now={now} />
        </div>
      )}
      <Calls key={`calls ${caseId}`} caseId={caseId} version={shown.version} lease={mine ? lease : null} onDone={onDone} />
      <Contacts contacts={detail.contacts} />
      <Helpers key={caseId} caseId={caseId} version={shown.version} />
      <Handovers key={`medicine ${caseId}`} caseId={caseId} />
      <Signals detail={detail} />
      <History detail={detail} />
      <ActForm form={form} priority={shown.priority} script={detail.script} technical={shown.family === "technical"} onCancel={() => setForm(null)} onSend={act} />
    </aside>
  );
}

/** The operator's activity renews the lease; one who has left the desk loses it. */
function useRenewal(held: { caseId: string; lease: string } | null, onDone: (row: CaseRow) => void, onError: (error: unknown) => void): void {
  const callbacks = useRef({ onDone, onError });
  callbacks.current = { onDone, onError };
  const caseId = held?.caseId;
  const lease = held?.lease;
  useEffect(() => {
    if (caseId === undefined || lease === undefined) return undefined;
    let active = true;
    const note = (): void => {
      active = true;
    };
    const events = ["pointermove", "pointerdown", "keydown", "wheel"] as const;
    for (const name of events) window.addEventListener(name, note, { passive: true });
    const timer = window.setInterval(() => {
      if (!active) return;
      active = false;
      post<CaseAfter>(`/api/v1/cases/${caseId}/renew`, { lease_id: lease }).then(
        (row) => callbacks.current.onDone(row),
        (error: unknown) => callbacks.current.onError(error),
      );
    }, RENEW_MS);
    return () => {
      window.clearInterval(timer);
      for (const name of events) window.removeEventListener(name, note);
    };
  }, [caseId, lease]);
}

function Signals({ detail }: { detail: CaseDetail }) {
  const { t, sentence, at } = useSpeech();
  return (
    <section>
      <h3>{t("case.signals")}</h3>
      <ul className="lines">
        {detail.signal_list.map((signal) => (
          <li key={signal.detection_id} className={signal.withdrawn || !signal.on ? "faded" : ""}>
            <time>{at(signal.started_at)}</time> {sentence(signal.reason)} <small>{t("row.score", { score: signal.score })}</small>
            {signal.withdrawn ? <Tag>{t("case.withdrawn")}</Tag> : !signal.on && <Tag>{t("case.over")}</Tag>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function History({ detail }: { detail: CaseDetail }) {
  const { t, word, sentence, at } = useSpeech();
  const shown = detail.audit.filter((line) => line.action !== "renewed").toReversed();
  return (
    <section>
      <h3>{t("case.history")}</h3>
      <ul className="lines" data-testid="history">
        {shown.map((line, index) => (
          <li key={index}>
            <time>{at(line.at)}</time> <b>{line.actor === "system" ? t("actor.system") : line.actor}</b> {word("change", line.action)}
            {line.reason.key !== "" && <span> · {sentence(line.reason)}</span>}
            {line.note !== "" && <q>{line.note}</q>}
          </li>
        ))}
      </ul>
    </section>
  );
}
