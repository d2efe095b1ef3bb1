// Shifts: where I sit and who is here, handing over with two signatures, the rota, and for supervisors the centres and desks.
import { Alert, App as AntApp, Button, type ButtonProps, Input, InputNumber, Modal, Select, Table, Tag } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post, remove } from "./session";
import type { Shift } from "./shift";
import type { Centre, Draft, Duty, ShiftHandover, ShiftHandovers, Left, Person, Rota } from "./types";

/** What everybody must know of the shift: too few are on duty, this page sits nowhere although it did, somebody waits for a signature. */
export function ShiftBanners({ shift, me, onOpen }: { shift: Shift; me: string; onOpen(): void }) {
  const { t, at } = useSpeech();
  const sat = useRef(false);
  if (shift.now === null) return null;
  const { mine, centres, absent, handovers } = shift.now;
  if (mine !== null) sat.current = true;
  const waiting = handovers.filter((each) => each.from_user !== me);
  const open = (
    <Button size="small" onClick={onOpen}>
      {t("nav.shifts")}
    </Button>
  );
  return (
    <>
      {centres.filter((each) => each.short).map((each) => (
        <Alert
          key={each.area_prefix} banner type="error" className="banner" data-testid="short" action={open}
          title={t("shift.short", { centre: nameOf(each), here: each.on_duty, least: each.least_on_duty, absent: absent.filter((duty) => duty.area_prefix === each.area_prefix).map((duty) => duty.user_name).join(", ") || "–" })}
        />
      ))}
      {mine === null && sat.current && <Alert banner type="warning" className="banner" data-testid="not-seated" title={t("shift.not_seated")} action={open} />}
      {waiting.map((each) => (
        <Alert key={each.handover_id} banner type="info" className="banner" data-testid="handover-waits" title={t("shift.waits", { who: each.from_user, at: at(each.written_at) })} action={open} />
      ))}
    </>
  );
}

function nameOf(centre: Centre): string {
  return `${centre.name} ${centre.area_prefix}`.trim() || "*";
}

export function ShiftsPage({ shift, person }: { shift: Shift; person: Person }) {
  const { t, at } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [rota, setRota] = useState<Rota | null>(null);
  const [past, setPast] = useState<ShiftHandover[]>([]);
  const [giving, setGiving] = useState(false);
  const [taking, setTaking] = useState<ShiftHandover | null>(null);
  const manages = person.role === "supervisor" || person.role === "admin";

  const load = useCallback(async (): Promise<void> => {
    try {
      setRota(await get<Rota>("/api/v1/rota"));
      setPast((await get<ShiftHandovers>("/api/v1/shift/handovers")).handovers);
    } catch (error) {
      void message.error({ content: explain(error), key: "shifts" });
    }
    // A change of language asks nothing anew.
  }, []);
  useEffect(() => void load(), [load, shift.now?.handovers.length]);

  const send = async (what: () => Promise<unknown>): Promise<void> => {
    try {
      await what();
      shift.again();
      await load();
    } catch (error) {
      void message.error({ content: explain(error), duration: 6, key: "shifts" });
    }
  };

  if (shift.now === null) return <main className="system">{t("link.unknown")}</main>;
  const { mine, centres, handovers } = shift.now;
  return (
    <main className="system" data-testid="shifts">
      <h3>{t("shift.here")}</h3>
      {centres.length === 0 && <p>{t("shift.none")}</p>}
      <Staffing centres={centres} manages={manages} sits send={send} />
      {mine !== null && (
        <p>
          <Button type="primary" data-testid="hand-over" onClick={() => setGiving(true)}>
            {t("shift.hand_over")}
          </Button>{" "}
          <Button data-testid="sign-off" onClick={() => void send(() => post("/api/v1/shift/sign-off", {}))}>
            {t("shift.sign_off")}
          </Button>{" "}
          <small>{t("shift.leaving")}</small>
        </p>
      )}
      {handovers.map((each) => (
        <Alert
          key={each.handover_id} type="info" data-testid="waiting"
          title={t(each.from_user === person.user_name ? "shift.waits_for_other" : "shift.waits", { who: each.from_user, at: at(each.written_at) })}
          action={
            each.from_user !== person.user_name && (
              <Button size="small" type="primary" data-testid="read-and-take" onClick={() => setTaking(each)}>
                {t("shift.read")}
              </Button>
            )
          }
        />
      ))}
      <RotaTable rota={rota} centres={centres} manages={manages} send={send} />
      <h3>{t("shift.gaps")}</h3>
      <ul className="lines" data-testid="gaps">
        {rota?.gaps.map((gap) => (
          <li key={gap.gap_id}>
            <time>{at(gap.from_at)}</time> – {gap.ended_at === null ? t("shift.lasts") : at(gap.ended_at)} {gap.area_prefix || "*"} {t("shift.on_duty", { here: gap.on_duty, least: gap.least })}
          </li>
        ))}
        {rota?.gaps.length === 0 && <li>{t("shift.no_gaps")}</li>}
      </ul>
      <h3>{t("shift.past")}</h3>
      <Table<ShiftHandover>
        size="small" pagination={{ pageSize: 10 }} rowKey="handover_id" dataSource={past} locale={{ emptyText: t("shift.no_past") }} data-testid="past"
        expandable={{ expandedRowRender: (row) => <Paper left={row.left} note={row.note} digest={row.digest} /> }}
        columns={[
          { title: t("system.when"), render: (_, row) => at(row.written_at) },
          { title: t("shift.gave"), dataIndex: "from_user" },
          { title: t("shift.took"), render: (_, row) => (row.to_user === null ? t(row.waits ? "shift.nobody_yet" : "shift.nobody") : `${row.to_user} · ${at(row.taken_at ?? "")}`) },
          { title: "", render: (_, row) => (row.as_signed ? <Tag color="green">● {t("shift.as_signed")}</Tag> : <Tag color="red">✕ {t("shift.not_as_signed")}</Tag>) },
        ]}
      />
      {manages && <Found send={send} area={person.area_prefix} />}
      {giving && <Give onClose={() => setGiving(false)} send={send} />}
      {taking !== null && <Take handover={taking} onClose={() => setTaking(null)} send={send} />}
    </main>
  );
}

type Send = (what: () => Promise<unknown>) => Promise<void>;

/** Each centre with its desks: who sits where, and whether that is enough. `sits`: who reads this may sit down. */
export function Staffing({ centres, manages, sits, send }: { centres: Centre[]; manages: boolean; sits: boolean; send: Send }) {
  const { t, at } = useSpeech();
  return (
    <>
      {centres.map((centre) => (
        <section key={centre.area_prefix} data-testid="centre">
          <h4>
            {nameOf(centre)}{" "}
            <Tag color={centre.short ? "red" : "green"} data-testid="staffing">
              {centre.short ? "✕" : "●"} {t("shift.on_duty", { here: centre.on_duty, least: centre.least_on_duty })}
            </Tag>
          </h4>
          <ul className="lines">
            {centre.desks.map((desk) => (
              <li key={desk.desk_id} data-testid={`desk-${desk.desk_id}`}>
                <b>{desk.name || desk.desk_id}</b>{" "}
                {desk.user_name === null ? (
                  <>
                    <small>{t("shift.empty")}</small>{" "}
                    {sits && <Button size="small" data-testid="sit" onClick={() => void send(() => post("/api/v1/shift/sign-on", { desk_id: desk.desk_id }))}>
                      {t("shift.sit")}
                    </Button>}{" "}
                    {manages && (
                      <Button size="small" type="text" onClick={() => void send(() => remove(`/api/v1/desks/${desk.desk_id}`))}>
                        {t("shift.take_away")}
                      </Button>
                    )}
                  </>
                ) : (
                  <>
                    {desk.display_name || desk.user_name} <small>{t("shift.since", { at: at(desk.signed_on_at ?? "") })}</small>
                  </>
                )}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

/** Who is planned, and for when too few are. */
export function RotaTable({ rota, centres, manages, send }: { rota: Rota | null; centres: Centre[]; manages: boolean; send: Send }) {
  const { t, at } = useSpeech();
  return (
    <>
      <h3>{t("shift.rota")}</h3>
      {rota?.thin.map((each, index) => (
        <Alert key={index} type="warning" data-testid="thin" title={t("shift.thin", { centre: each.area_prefix, from: at(each.from_at), to: at(each.to_at), planned: each.planned, least: each.least })} />
      ))}
      <Table<Duty>
        size="small" pagination={{ pageSize: 10 }} rowKey="duty_id" dataSource={rota?.duties ?? []} locale={{ emptyText: t("shift.no_rota") }} data-testid="rota"
        columns={[
          { title: t("shift.from"), render: (_, row) => at(row.from_at) },
          { title: t("shift.to"), render: (_, row) => at(row.to_at) },
          { title: t("shift.who"), render: (_, row) => `${row.display_name || row.user_name} · ${row.area_prefix || "*"}` },
          { title: "", render: (_, row) => row.here && <Tag color="green">● {t("shift.is_here")}</Tag> },
          {
            title: "",
            render: (_, row) =>
              manages && (
                <Button size="small" onClick={() => void send(() => remove(`/api/v1/rota/${row.duty_id}`))}>
                  {t("shift.unplan")}
                </Button>
              ),
          },
        ]}
      />
      {manages && <Plan centres={centres} send={send} />}
    </>
  );
}

/** What one leaves to the next. */
function Paper({ left, note, digest }: { left: Left; note?: string; digest?: string }) {
  const { t, word, at } = useSpeech();
  const empty = left.in_hand.length + left.call_backs.length + left.second_looks.length === 0;
  return (
    <div data-testid="paper">
      {note !== undefined && note !== "" && <q>{note}</q>}
      {empty && <p>{t("shift.nothing_left")}</p>}
      <ul className="lines">
        {left.in_hand.map((each) => (
          <li key={each.case_id}>
            P{each.priority} {word("family", each.family)} · {each.home_id} · {word("handling", each.handling)}
            {each.held_until_at !== null && <b> {t("case.held_until", { until: at(each.held_until_at), why: each.hold_reason ?? "" })}</b>}
          </li>
        ))}
        {left.call_backs.map((each) => (
          <li key={each.case_id}>
            P{each.priority} {word("family", each.family)} · {each.home_id} · <b>{t("shift.call_back", { at: at(each.follow_up_at), who: each.resolved_by ?? "" })}</b>
          </li>
        ))}
        {left.second_looks.map((each) => (
          <li key={`look ${each.case_id}`}>
            P{each.priority} {word("family", each.family)} · {each.home_id} · {t("shift.look_owed", { who: each.resolved_by ?? "" })}
          </li>
        ))}
      </ul>
      {digest !== undefined && <small>SHA-256 {digest}</small>}
    </div>
  );
}

function Give({ onClose, send }: { onClose(): void; send: Send }) {
  const { t } = useSpeech();
  const explain = useRefusal();
  const [draft, setDraft] = useState<Draft | null>(null);
  const [note, setNote] = useState("");
  const [password, setPassword] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const load = useCallback(() => {
    get<Draft>("/api/v1/shift/handovers/draft").then(setDraft, (error: unknown) => setTrouble(explain(error)));
  }, []);
  useEffect(load, [load]);
  const sign = async (): Promise<void> => {
    try {
      await post("/api/v1/shift/handovers", { state: draft?.state, note, password });
      onClose();
      await send(() => Promise.resolve());
    } catch (error) {
      setTrouble(explain(error));
      load();
    }
  };
  return (
    <Modal
      open title={t("shift.hand_over")} onCancel={onClose} onOk={() => void sign()} okText={t("shift.sign")} cancelText={t("act.cancel")}
      okButtonProps={{ disabled: draft === null || password === "", "data-testid": "sign" } as ButtonProps}
    >
      {trouble !== null && <Alert type="error" title={trouble} data-testid="not-signed" />}
      {draft !== null && <Paper left={draft.left} />}
      <Input.TextArea rows={3} maxLength={4000} value={note} onChange={(event) => setNote(event.target.value)} placeholder={t("shift.note")} aria-label={t("shift.note")} data-testid="handover-note" />
      <Password value={password} onChange={setPassword} />
    </Modal>
  );
}

function Take({ handover, onClose, send }: { handover: ShiftHandover; onClose(): void; send: Send }) {
  const { t } = useSpeech();
  const explain = useRefusal();
  const [password, setPassword] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const sign = async (): Promise<void> => {
    try {
      await post(`/api/v1/shift/handovers/${handover.handover_id}/take`, { digest: handover.digest, password });
      onClose();
      await send(() => Promise.resolve());
    } catch (error) {
      setTrouble(explain(error));
    }
  };
  return (
    <Modal
      open title={t("shift.take_from", { who: handover.from_user })} onCancel={onClose} onOk={() => void sign()} okText={t("shift.sign")} cancelText={t("act.cancel")}
      okButtonProps={{ disabled: password === "", "data-testid": "sign" } as ButtonProps}
    >
      {trouble !== null && <Alert type="error" title={trouble} data-testid="not-signed" />}
      <Paper left={handover.left} note={handover.note} digest={handover.digest} />
      <p>{t("shift.taking")}</p>
      <Password value={password} onChange={setPassword} />
    </Modal>
  );
}

/** One's own password, as the signature. */
function Password({ value, onChange }: { value: string; onChange(text: string): void }) {
  const { t } = useSpeech();
  return (
    <label className="field">
      {t("shift.password")}
      <Input.Password value={value} onChange={(event) => onChange(event.target.value)} autoComplete="off" data-testid="signature" />
    </label>
  );
}

/** An instant as a field of the page gives it, in this desk's own time. */
function instant(text: string): string {
  return new Date(text).toISOString();
}

function Plan({ centres, send }: { centres: Centre[]; send: Send }) {
  const { t } = useSpeech();
  const [who, setWho] = useState("");
  const [where, setWhere] = useState<string | null>(centres[0]?.area_prefix ?? null);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const plan = (): void => void send(() => post("/api/v1/rota", { user_name: who, area_prefix: where ?? "", from_at: instant(from), to_at: instant(to) }));
  if (centres.length === 0) return null;
  return (
    <p className="fields">
      <Input value={who} onChange={(event) => setWho(event.target.value.trim())} placeholder={t("login.user")} aria-label={t("login.user")} data-testid="plan-who" style={{ width: 160 }} />
      <Select value={where} onChange={setWhere} options={centres.map((each) => ({ value: each.area_prefix, label: nameOf(each) }))} aria-label={t("shift.centre")} style={{ width: 180 }} />
      <Input type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} aria-label={t("shift.from")} data-testid="plan-from" style={{ width: 200 }} />
      <Input type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} aria-label={t("shift.to")} data-testid="plan-to" style={{ width: 200 }} />
      <Button onClick={plan} disabled={who === "" || from === "" || to === ""} data-testid="plan">
        {t("shift.plan")}
      </Button>
    </p>
  );
}

/** A centre, and its desks. */
export function Found({ send, area }: { send: Send; area: string }) {
  const { t } = useSpeech();
  const [prefix, setPrefix] = useState(area);
  const [name, setName] = useState("");
  const [least, setLeast] = useState(2);
  const [desk, setDesk] = useState("");
  const [deskName, setDeskName] = useState("");
  return (
    <>
      <h3>{t("shift.set_up")}</h3>
      <p className="fields">
        <Input value={prefix} onChange={(event) => setPrefix(event.target.value.trim())} placeholder={t("shift.area")} aria-label={t("shift.area")} data-testid="centre-area" style={{ width: 160 }} />
        <Input value={name} onChange={(event) => setName(event.target.value)} placeholder={t("shift.centre")} aria-label={t("shift.centre")} data-testid="centre-name" style={{ width: 160 }} />
        <InputNumber min={2} max={500} value={least} onChange={(value) => setLeast(value ?? 2)} aria-label={t("shift.least")} prefix={t("shift.least")} style={{ width: 160 }} />
        <Button onClick={() => void send(() => post("/api/v1/centres", { area_prefix: prefix, name, least_on_duty: least }))} data-testid="put-centre">
          {t("shift.put_centre")}
        </Button>
      </p>
      <p className="fields">
        <Input value={desk} onChange={(event) => setDesk(event.target.value.trim())} placeholder={t("shift.desk_id")} aria-label={t("shift.desk_id")} data-testid="desk-id" style={{ width: 160 }} />
        <Input value={deskName} onChange={(event) => setDeskName(event.target.value)} placeholder={t("shift.desk")} aria-label={t("shift.desk")} style={{ width: 160 }} />
        <Button disabled={desk === ""} onClick={() => void send(() => post("/api/v1/desks", { desk_id: desk, area_prefix: prefix, name: deskName }))} data-testid="put-desk">
          {t("shift.put_desk")}
        </Button>
      </p>
    </>
  );
}
