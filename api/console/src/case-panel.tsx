// One case: why, who, where, whom to call, what was done, and what the desk may do now.
import { Alert, App as AntApp, Button, Popconfirm, Spin, Tag } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { IncidentHomes } from "./coverage";
import { ActForm, type Form } from "./act-form";
import { LastHours } from "./activity";
import { type Callee, Calling, Tried, callsTo, nextCallee } from "./calls";
import { dial } from "./dial";
import { Afterwards, Earlier } from "./earlier";
import { Handovers } from "./handovers";
import { Helpers } from "./helpers";
import { History } from "./history";
import { type Key, useKeys } from "./keys";
import type { Ring } from "./heard";
import { useSpeech } from "./language";
import { useOutcomes } from "./outcomes";
import { PriorityMark } from "./priority";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import { Contacts, Residents, Where } from "./record";
import { Watched } from "./residents";
import { Script } from "./script";
import { Calls, useDial } from "./telephony";
import type { CaseAfter, CaseDetail, CaseRow } from "./types";

interface Props {
  caseId: string | null;
  row: CaseRow | undefined;
  /** Other open cases of this home. */
  beside: readonly CaseRow[];
  me: string;
  now: number;
  /** What it rings for at this desk, which has it; null: nothing that its owner has not heard. */
  ring: Ring | null;
  onHeard(caseId: string): void;
  onDone(row: CaseRow): void;
  onClaim(row: CaseRow): void;
  onClose(): void;
}

/** Ways out of each handling, in the order of work. The server decides; this only hides what it would refuse. */
const WAYS: Record<string, readonly Form[]> = {
  CLAIMED: ["verify", "dispatch", "hold", "resolve"],
  VERIFYING: ["dispatch", "hold", "resolve"],
  DISPATCHED: ["arrive", "hold", "resolve"],
  ON_SCENE: ["hold", "resolve"],
  HELD: ["verify", "dispatch", "resolve"],
};

/** Technical cases of P4 and P5 may be shelved as well. */
function waysOf(row: CaseRow): readonly Form[] {
  const ways = WAYS[row.handling] ?? [];
  return row.family === "technical" && row.priority >= 4 && ways.length > 0 ? ["shelve", ...ways] : ways;
}

export function CasePanel({ caseId, row, beside, me, now, ring, onHeard, onDone, onClaim, onClose }: Props) {
  const { t, word, sentence, at, language } = useSpeech();
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
  /** On hold one goes on calling and ticking; the end of the hold stands. */
  const mineOnHold = row?.handling === "HELD" && row.desk_id === me && lease !== null;
  const working = mine || mineOnHold;

  // What was done last, so that keys pressed one after the other do not each act on the version before.
  const latest = useRef({ row, lease });
  if ((latest.current.row?.version ?? 0) <= (row?.version ?? 0) || row === undefined) latest.current = { row, lease };
  const send = useCallback(
    async (what: string, extra: object): Promise<boolean> => {
      const { row: before, lease: right } = latest.current;
      if (before === undefined) return false;
      const body = what === "note" ? extra : { version: before.version, lease_id: right, ...extra };
      try {
        const after = await post<CaseAfter>(`/api/v1/cases/${before.case_id}/${what}`, body);
        latest.current = { row: after, lease: right };
        onDone(after);
        void load();
        return true;
      } catch (error) {
        void message.error({ content: explain(error), duration: 6, key: "act" });
        void load();
        return false;
      }
    },
    [load, message, explain, onDone],
  );
  const turn = useRef<Promise<unknown>>(Promise.resolve());
  const act = useCallback(
    (what: string, extra: object = {}): Promise<boolean> => {
      const mineNext = turn.current.then(() => send(what, extra));
      turn.current = mineNext;
      return mineNext;
    },
    [send],
  );

  const results = useOutcomes().calls;
  const dialler = useDial();
  const [calling, setCalling] = useState<Callee | null>(null);
  const call = (callee: Callee): void => setCalling(callee);
  const called = (result: string): void => {
    if (calling === null) return;
    setCalling(null);
    void act("call", { contact_id: calling.contact_id, resident_id: calling.resident_id, result });
  };
  const tick = (code: string, done: boolean): void => void act("step", { step: code, done });

  useKeys(keysOf(), form !== null);
  function keysOf(): Key[] {
    const none = row === undefined || detail === null ? t("keys.no_case") : null;
    const notMine = none ?? (working ? null : held && lease === null ? t("keys.coming") : t("case.readonly"));
    const ways = row === undefined ? [] : waysOf(row);
    const form_ = (key: string, way: Form): Key => ({
      key, does: t(`keys.${way}` as "keys.note"), run: () => setForm(way),
      why: way === "note" ? none : notMine ?? (ways.includes(way) ? null : t("keys.not_now", { handling: word("handling", row?.handling ?? "") })),
    });
    const next = detail === null ? undefined : nextCallee(detail);
    const keys: Key[] = [
      {
        key: "c", does: t("keys.call"), why: notMine ?? (next === undefined ? t("keys.nobody") : null),
        run: () => {
          if (next === undefined) return;
          (dialler ?? dial)(next.phone);
          call(next);
        },
      },
      form_("n", "note"),
      { key: "v", does: t("keys.verify"), why: notMine ?? (ways.includes("verify") ? null : t("keys.not_now", { handling: word("handling", row?.handling ?? "") })), run: () => void act("verify") },
      form_("h", "hold"),
      { key: "e", does: t("keys.escalate"), why: row?.handling === "QUEUED" ? none : notMine, run: () => setForm("escalate") },
      form_("d", "dispatch"),
      form_("r", "resolve"),
    ];
    if (calling !== null) {
      const chosen: Key[] = results.map((each, index) => ({ key: String(index + 1), does: each[language], why: null, run: () => called(each.code) }));
      return [...chosen, ...keys, { key: "Escape", does: t("call.none"), why: null, run: () => setCalling(null) }];
    }
    const script = detail?.script ?? [];
    const steps: Key[] = script.map((step, index) => ({
      key: String(index + 1), does: step[language], why: notMine,
      run: () => tick(step.code, !(detail?.steps ?? []).some((each) => each.code === step.code)),
    }));
    return [...steps, ...keys];
  }

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
      {ring !== null && (
        <Alert
          type="error" showIcon title={t(`ring.${ring}`)} data-testid="ring"
          action={<Button danger type="primary" onClick={() => onHeard(caseId)} data-testid="heard">{t("ring.heard")} (K)</Button>}
        />
      )}
      {row === undefined && <Alert type="info" showIcon title={t("case.gone")} data-testid="gone" />}
      {row === undefined && <Afterwards detail={detail} onDone={onDone} />}
      {calling !== null && <Calling callee={calling} results={results} onResult={called} onCancel={() => setCalling(null)} />}
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
        {working &&
          waysOf(shown).map((way) => (
            <Button key={way} type={way === "resolve" ? "primary" : "default"} data-testid={`act-${way}`}
              onClick={() => (way === "verify" || way === "arrive" ? void act(way) : setForm(way))}>
              {t(`act.${way}`)}
            </Button>
          ))}
        {working && (
          <Button onClick={() => void act("release")} data-testid="act-release">
            {t("act.release")}
          </Button>
        )}
        {row !== undefined && (working || row.handling === "QUEUED") && (
          <Button onClick={() => setForm("escalate")} data-testid="act-escalate">
            {t("act.escalate")}
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
      {detail.coverage !== null && <Watched coverage={detail.coverage} />}
      {detail.home_id.startsWith("area-") ? (
        <IncidentHomes caseId={detail.case_id} version={shown.version} />
      ) : detail.home === null ? (
        <Alert type="warning" showIcon title={t("case.unregistered", { home: detail.home_id })} />
      ) : (
        <div className="record">
          <Residents
            residents={detail.residents} concerned={detail.resident_id}
            onCall={working ? (person) => call({ ...person, contact_id: null }) : undefined}
            tried={(person) => <Tried calls={callsTo(detail.calls, { resident_id: person.resident_id, contact_id: null })} results={results} />}
          />
          <Where home={detail.home} now={now} />
        </div>
      )}
      <Calls key={`calls ${caseId}`} caseId={caseId} version={shown.version} lease={mine ? lease : null} onDone={onDone} />
      <Contacts
        contacts={detail.contacts} onCall={working ? (contact) => call({ ...contact, resident_id: null }) : undefined}
        tried={(contact) => <Tried calls={callsTo(detail.calls, { contact_id: contact.contact_id, resident_id: null })} results={results} />}
      />
      <Script script={detail.script} done={detail.steps} mine={working} onTick={tick} />
      {detail.home !== null && <LastHours key={`hours ${caseId}`} caseId={caseId} />}
      <Helpers key={caseId} caseId={caseId} version={shown.version} />
      <Handovers key={`medicine ${caseId}`} caseId={caseId} />
      <Signals detail={detail} />
      <History detail={detail} />
      {detail.home !== null && <Earlier key={`earlier ${caseId}`} caseId={caseId} onDone={onDone} />}
      <ActForm form={form} priority={shown.priority} script={detail.script} done={detail.steps.map((step) => step.code)} technical={shown.family === "technical"} onCancel={() => setForm(null)}
        // Only what was sent from the form closes it: an answer to something else must not.
        onSend={async (what, extra) => {
          const done = await act(what, extra);
          if (done) setForm(null);
          return done;
        }}
      />
    </aside>
  );
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
