// Who is told beside the consoles: add, try, pause, forget; when; and by which steps. For supervisors and administrators.
import { Alert, Button, Input, InputNumber, Select, Table, Tag } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post, put, remove } from "./session";
import type { LadderRung, Ladders, Person, RecipientDuty, RecipientRow, Recipients } from "./types";

const RENEW_MS = 4_000;
/** Lengths of a pause to choose from, h; the api's own is 8, and its longest 168 by its own clock, which may be behind this one. */
const PAUSES_H = [1, 8, 24, 72, 167] as const;
const KINDS = ["desk", "supervisor", "wall", "backup_centre", "kin"] as const;

export function ToldPage({ person }: { person: Person }) {
  const { t, word, at, duration } = useSpeech();
  const explain = useRefusal();
  const [pauseH, setPauseH] = useState<number>(8);
  const [people, setPeople] = useState<Recipients | null>(null);
  const [rungs, setRungs] = useState<LadderRung[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);

  const load = useCallback(async (): Promise<void> => {
    try {
      setPeople(await get<Recipients>("/api/v1/recipients"));
      setRungs((await get<Ladders>("/api/v1/ladders")).rungs);
    } catch (error) {
      setTrouble(explain(error));
    }
    // A change of language asks nothing anew.
  }, []);
  useEffect(() => {
    void load();
    const timer = window.setInterval(() => void load(), RENEW_MS);
    return () => window.clearInterval(timer);
  }, [load]);

  const send = async (what: () => Promise<unknown>): Promise<boolean> => {
    try {
      await what();
      setTrouble(null);
      await load();
      return true;
    } catch (error) {
      setTrouble(explain(error));
      return false;
    }
  };

  return (
    <main className="system" data-testid="told">
      {trouble !== null && <Alert type="error" title={trouble} data-testid="told-refused" />}
      <h3>{t("told.title")}</h3>
      <Table<RecipientRow>
        size="small" pagination={{ pageSize: 20 }} rowKey="recipient_id" dataSource={people?.recipients ?? []} locale={{ emptyText: t("told.nobody") }} data-testid="recipients"
        expandable={{ expandedRowRender: (row) => <Duties row={row} send={send} />, rowExpandable: (row) => row.kind !== "kin" }}
        columns={[
          { title: t("told.who"), render: (_, row) => `${row.name || row.recipient_id} · ${word("recipient", row.kind)}` },
          { title: t("told.of_whom"), render: (_, row) => (row.kind === "kin" ? row.home_id : row.area_prefix || "*") },
          { title: t("told.down_to"), render: (_, row) => `P${row.lowest_priority}` },
          { title: t("told.when"), render: (_, row) => (row.duties.length === 0 ? t("told.always") : t("told.stretches", { count: row.duties.length })) },
          {
            title: t("told.trial"),
            render: (_, row) =>
              row.tried_at === null ? "–" : row.trial_sent === null ? t("told.trying") : row.trial_sent ? `● ${at(row.tried_at)}` : `✕ ${at(row.tried_at)} ${row.trial_detail ?? ""}`,
          },
          {
            title: "",
            render: (_, row) =>
              row.paused_until_at !== null && people !== null && (
                <Tag color="gold" data-testid="paused">
                  {t("told.paused", { who: row.paused_by ?? "", left: duration((Date.parse(row.paused_until_at) - Date.parse(people.now)) / 1000), until: at(row.paused_until_at) })}
                </Tag>
              ),
          },
          {
            title: "",
            render: (_, row) =>
              row.user_name !== null ? (
                <small>{t("told.own_choice")}</small>
              ) : (
                <span data-testid={`recipient-${row.recipient_id}`}>
                  <Button size="small" data-testid="try" onClick={() => void send(() => post(`/api/v1/recipients/${row.recipient_id}/trial`, {}))}>{t("told.try")}</Button>{" "}
                  <Button size="small" data-testid="pause" onClick={() => void send(() => put(`/api/v1/recipients/${row.recipient_id}/paused`, row.enabled ? { paused: true, until_at: new Date(Date.now() + pauseH * 3_600_000).toISOString() } : { paused: false }))}>
                    {row.enabled ? t("told.pause", { hours: pauseH }) : t("told.resume")}
                  </Button>{" "}
                  <Button size="small" data-testid="forget" onClick={() => void send(() => remove(`/api/v1/recipients/${row.recipient_id}`))}>{t("told.forget")}</Button>
                </span>
              ),
          },
        ]}
      />
      <p className="fields">
        <Select value={pauseH} onChange={setPauseH} options={PAUSES_H.map((hours) => ({ value: hours, label: t("told.pause", { hours }) }))} aria-label={t("told.pause_for")} data-testid="pause-for" style={{ width: 160 }} />
        <small>{t("told.pause_ends")}</small>
      </p>
      <NewRecipient area={person.area_prefix} ways={people?.ways ?? []} send={send} />
      <h3>{t("told.ladder")}</h3>
      <p>{t("told.ladder_holds")}</p>
      <ul className="lines" data-testid="ladder">
        {rungs.map((rung) => (
          <li key={`${rung.area_prefix} ${rung.priority} ${rung.rung}`}>
            {rung.area_prefix || "*"} · P{rung.priority} · {rung.after_s} s · {word("rung", rung.who)} {!rung.enabled && t("told.off")} <small>{rung.changed_by}</small>{" "}
            {rung.enabled && rung.reaches !== "all" && <Tag color={rung.reaches === "nobody" ? "red" : "gold"} data-testid={`reaches-${rung.reaches}`}>{t(`reaches.${rung.reaches}`)}</Tag>}
          </li>
        ))}
      </ul>
      <NewLadder area={person.area_prefix} rungs={rungs} send={send} />
    </main>
  );
}

type Send = (what: () => Promise<unknown>) => Promise<boolean>;

function NewRecipient({ area, ways, send }: { area: string; ways: string[]; send: Send }) {
  const { t, word } = useSpeech();
  const empty = { recipient_id: "", kind: "desk", name: "", url: "", way: "", reach: "", area_prefix: area, home_id: "", ground: "", lowest_priority: 2 };
  const [fields, setFields] = useState(empty);
  const kin = fields.kind === "kin";
  const field = (name: keyof typeof empty, label: string, width = 160) => (
    <Input value={String(fields[name])} onChange={(event) => setFields({ ...fields, [name]: event.target.value })} placeholder={label} aria-label={label} data-testid={`new-${name}`} style={{ width }} />
  );
  const add = async (): Promise<void> => {
    const { home_id, area_prefix, ...rest } = fields;
    const done = await send(() => post("/api/v1/recipients", kin ? { ...rest, home_id } : { ...rest, area_prefix }));
    if (done) setFields(empty);
  };
  return (
    <p className="fields">
      <Select value={fields.kind} onChange={(kind: string) => setFields({ ...fields, kind })} options={KINDS.map((kind) => ({ value: kind, label: word("recipient", kind) }))} aria-label={t("told.kind")} data-testid="new-kind" style={{ width: 140 }} />
      {field("recipient_id", t("told.id"), 130)}
      {field("name", t("told.name"), 120)}
      {kin ? field("home_id", t("told.home"), 130) : field("area_prefix", t("shift.area"), 130)}
      {kin && field("ground", t("told.ground"), 260)}
      {fields.way === "" && field("url", t("told.url"), 280)}
      {ways.length > 0 && (
        <Select value={fields.way} onChange={(way: string) => setFields({ ...fields, way, url: "" })} options={["", ...ways].map((way) => ({ value: way, label: way || t("told.by_address") }))} aria-label={t("told.way")} style={{ width: 110 }} />
      )}
      {fields.way !== "" && field("reach", t("told.reach"))}
      <InputNumber min={1} max={5} value={fields.lowest_priority} onChange={(value) => setFields({ ...fields, lowest_priority: value ?? 2 })} prefix={t("told.down_to")} aria-label={t("told.down_to")} style={{ width: 130 }} />
      <Button type="primary" disabled={fields.recipient_id === ""} onClick={() => void add()} data-testid="add-recipient">
        {t("told.add")}
      </Button>
    </p>
  );
}

/** Stretches of weekdays, as lines: "1 08:00 20:00". */
function Duties({ row, send }: { row: RecipientRow; send: Send }) {
  const { t } = useSpeech();
  const [lines, setLines] = useState(row.duties.map((each) => `${each.weekday} ${clock(each.from_minute)} ${clock(each.to_minute)}`).join("\n"));
  const read = (): RecipientDuty[] =>
    lines.split("\n").filter((line) => line.trim() !== "").map((line) => {
      const [day, from, to] = line.trim().split(/\s+/);
      return { weekday: Number(day), from_minute: minute(from), to_minute: minute(to), zone: row.duties[0]?.zone ?? "Asia/Shanghai" };
    });
  return (
    <p className="fields">
      <Input.TextArea rows={4} value={lines} onChange={(event) => setLines(event.target.value)} placeholder={t("told.duty_lines")} aria-label={t("told.duty_lines")} style={{ width: 260 }} />
      <Button onClick={() => void send(() => put(`/api/v1/recipients/${row.recipient_id}/duties`, { duties: read() }))}>{t("told.save")}</Button>
    </p>
  );
}

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** Minutes of the day; what cannot be read is no minute, and the server says so. */
function minute(text: string | undefined): number {
  const [hours, minutes] = (text ?? "").split(":");
  return Number(hours) * 60 + Number(minutes ?? 0);
}

/** A ladder as lines: "30 all_desks". Nothing: the area takes that of the area around it. */
function NewLadder({ area, rungs, send }: { area: string; rungs: LadderRung[]; send: Send }) {
  const { t } = useSpeech();
  const [prefix, setPrefix] = useState(area);
  const [priority, setPriority] = useState(1);
  const [lines, setLines] = useState("");
  const start = (): void => setLines(rungs.filter((rung) => rung.priority === priority && rung.area_prefix === "").map((rung) => `${rung.after_s} ${rung.who}`).join("\n"));
  const read = () => lines.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [after, who] = line.trim().split(/\s+/);
    return { after_s: Number(after), who: who ?? "" };
  });
  return (
    <p className="fields">
      <Input value={prefix} onChange={(event) => setPrefix(event.target.value.trim())} placeholder={t("shift.area")} aria-label={t("shift.area")} data-testid="ladder-area" style={{ width: 160 }} />
      <InputNumber min={1} max={5} value={priority} onChange={(value) => setPriority(value ?? 1)} prefix="P" aria-label={t("told.priority")} style={{ width: 80 }} />
      <Input.TextArea rows={4} value={lines} onChange={(event) => setLines(event.target.value)} placeholder={t("told.ladder_lines")} aria-label={t("told.ladder_lines")} data-testid="ladder-lines" style={{ width: 280 }} />
      <Button onClick={start}>{t("told.from_site")}</Button>
      <Button onClick={() => void send(() => put(`/api/v1/ladders/${priority}`, { area_prefix: prefix, rungs: read() }))} data-testid="put-ladder">
        {t("told.save")}
      </Button>
    </p>
  );
}
