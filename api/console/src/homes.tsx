// The register, for administrators: homes with who lives there, whom to call, and devices; written here one at a time, or taken in as a table.
import { Alert, App as AntApp, Button, Checkbox, Input, InputNumber, Popconfirm, Select, Table, Tag } from "antd";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post, put, remove, request } from "./session";
import type { Credentials, HomeFile, HomePage, HomeRow, Imported } from "./types";

const ROOMS = ["entrance", "living", "bedroom", "kitchen", "bathroom", "dining", "corridor", "balcony", "other"] as const;
const ROLES = [
  "motion", "entrance_door", "door", "window", "radar", "bed", "chair", "stove", "plug", "light", "tap", "water_meter", "wearable", "pendant", "smoke", "gas", "co", "leak",
  "thermometer", "fridge", "holding", "hub", "hood", "other",
] as const;
export const MOBILITY = ["walks", "stick", "frame", "wheelchair", "bed"] as const;

type Send = (what: () => Promise<unknown>) => Promise<boolean>;

export function HomesPage({ area }: { area: string }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [words, setWords] = useState("");
  const [rows, setRows] = useState<HomeRow[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [more, setMore] = useState(false);
  const [chosen, setChosen] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  const load = useCallback(async (query: string, after: string | null): Promise<void> => {
    try {
      const page = await get<HomePage>(`/api/v1/homes?${new URLSearchParams({ q: query, ...(after === null ? {} : { after }) })}`);
      setRows((before) => (after === null ? page.homes : [...before, ...page.homes]));
      setNext(page.next_after);
      setMore(page.more && page.next_after === null);
      setTrouble(null);
    } catch (error) {
      setTrouble(explain(error));
    }
    // A change of language asks nothing anew: each reading is in the audit.
  }, []);
  useEffect(() => {
    const timer = window.setTimeout(() => void load(words, null), 250);
    return () => window.clearTimeout(timer);
  }, [words, load]);

  return (
    <div className="desk" data-testid="homes-page">
      <section className="queue people">
        <div className="bar">
          <Input allowClear value={words} onChange={(event) => setWords(event.target.value)} placeholder={t("home.search")} aria-label={t("home.search")} data-testid="home-search" />
          <Button type="primary" onClick={() => setChosen("")} data-testid="home-new">{t("home.new")}</Button>
        </div>
        <Import onDone={() => void load(words, null)} />
        {trouble !== null && <Alert type="error" title={trouble} />}
        <Table<HomeRow>
          size="small" rowKey="home_id" dataSource={rows} pagination={false} locale={{ emptyText: t("people.none") }}
          onRow={(row) => ({ onClick: () => setChosen(row.home_id), className: row.home_id === chosen ? "chosen" : "" })}
          columns={[
            { title: t("home.id"), render: (_, row) => (<><b>{row.home_id}</b> <small>{row.area_code}</small></>) },
            { title: t("case.who"), render: (_, row) => (<>{row.residents.join(", ")} <small>{row.address}</small></>) },
            { title: t("home.contacts"), dataIndex: "contacts", align: "right" },
            { title: t("people.devices"), align: "right", render: (_, row) => (<>{row.devices} {row.unbound > 0 && <Tag color="gold">+{row.unbound} {t("people.unbound")}</Tag>}</>) },
            { title: t("home.heard"), render: (_, row) => (row.last_seen_at === null ? t("people.never") : at(row.last_seen_at)) },
          ]}
        />
        {next !== null && <Button onClick={() => void load(words, next)}>{t("people.more")}</Button>}
        {more && <p>{t("home.more")}</p>}
      </section>
      {chosen === null ? (
        <aside className="panel empty">{t("home.choose")}</aside>
      ) : (
        <HomePanel
          key={chosen} homeId={chosen} area={area}
          onChanged={(homeId) => {
            setChosen(homeId);
            void load(words, null);
          }}
        />
      )}
    </div>
  );
}

/** A table of many. A bad line is named, and nothing is taken. */
function Import({ onDone }: { onDone(): void }) {
  const { t } = useSpeech();
  const explain = useRefusal();
  const [said, setSaid] = useState<Imported | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const take = async (file: File): Promise<void> => {
    try {
      const answer = await request("/api/v1/homes/import", { method: "POST", headers: { "Content-Type": "text/csv" }, body: await file.arrayBuffer() });
      setSaid((await answer.json()) as Imported);
      setTrouble(null);
      onDone();
    } catch (error) {
      setTrouble(explain(error));
    }
  };
  return (
    <p>
      <label>
        {t("home.import")}{" "}
        <input
          type="file" accept=".csv,text/csv" data-testid="home-table"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = "";
            if (file !== undefined) void take(file);
          }}
        />
      </label>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {said !== null && (
        <Alert
          type={said.done ? "success" : "error"} data-testid="home-imported"
          title={said.done ? t("home.imported", { homes: said.homes, residents: said.residents, contacts: said.contacts, devices: said.devices }) : t("home.not_imported")}
          description={said.bad.length > 0 && <ul className="lines">{said.bad.map((each) => <li key={each.line}>{each.line}: {each.problem}</li>)}</ul>}
        />
      )}
    </p>
  );
}

/** One home; the empty id is one that is to be registered. */
function HomePanel({ homeId, area, onChanged }: { homeId: string; area: string; onChanged(homeId: string | null): void }) {
  const { t, word, at } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [found, setFound] = useState<HomeFile | null>(null);
  const [password, setPassword] = useState<Credentials | null>(null);

  const load = useCallback(async (): Promise<void> => {
    if (homeId === "") return;
    try {
      setFound(await get<HomeFile>(`/api/v1/homes/${homeId}`));
    } catch (error) {
      void message.error({ content: explain(error), key: "home" });
    }
  }, [homeId]);
  useEffect(() => void load(), [load]);

  const send: Send = async (what) => {
    try {
      await what();
      await load();
      return true;
    } catch (error) {
      void message.error({ content: explain(error), duration: 8, key: "home" });
      return false;
    }
  };

  if (homeId === "") return <aside className="panel" data-testid="home-panel"><HomeForm area={area} found={null} onSaved={onChanged} send={send} /></aside>;
  if (found === null) return <aside className="panel empty">{homeId}</aside>;
  return (
    <aside className="panel" data-testid="home-panel">
      <header>
        <h2>{homeId}</h2>
        <RemoveHome homeId={homeId} onRemoved={() => onChanged(null)} />
      </header>
      <HomeForm key={JSON.stringify(found.home)} area={area} found={found} onSaved={onChanged} send={send} />
      <h3>{t("case.who")}</h3>
      {[...found.residents, null].map((each) => (
        <ResidentForm key={each === null ? "new" : JSON.stringify(each)} homeId={homeId} person={each} send={send} />
      ))}
      <h3>{t("case.contacts")}</h3>
      <ol className="contacts" data-testid="home-contacts">
        {found.contacts.map((each) => (
          <li key={each.contact_id}>
            <b>{each.name}</b> <small>{each.relation}</small> {each.phone}{" "}
            <Button size="small" data-testid="drop-contact" onClick={() => void send(() => remove(`/api/v1/homes/${homeId}/contacts/${each.contact_id}`))}>{t("home.drop")}</Button>
          </li>
        ))}
      </ol>
      <ContactForm key={`contact ${found.contacts.length}`} homeId={homeId} rank={found.contacts.length + 1} send={send} />
      <h3>{t("people.devices")}</h3>
      <ul className="lines" data-testid="home-devices">
        {found.devices.map((each) => (
          <li key={each.device_id}>
            <b>{each.device_id}</b> {word("room", each.room)} <small>{each.role} {each.resident_id}</small> {each.last_seen_at === null ? t("people.never") : at(each.last_seen_at)}{" "}
            {each.bound ? (
              <Button size="small" data-testid="unbind" onClick={() => void send(() => remove(`/api/v1/homes/${homeId}/devices/${each.device_id}`))}>{t("home.unbind")}</Button>
            ) : (
              <Tag color="gold">{t("people.unbound")}</Tag>
            )}
          </li>
        ))}
      </ul>
      <DeviceForm key={`device ${found.devices.length}`} homeId={homeId} residents={found.residents.map((each) => each.resident_id)} send={send} onPassword={setPassword} />
      {password !== null && (
        <Alert type="warning" data-testid="device-password" title={t("home.password_once")} description={<>{password.account}: <code>{password.password}</code><br /><small>{password.topic}</small></>} />
      )}
    </aside>
  );
}

interface Fields { [name: string]: string }

/** Fields of text under their names; `box` draws one. */
function useFields(first: Fields): { fields: Fields; box(name: string, label: string, width?: number): ReactNode; set(name: string, text: string): void } {
  const [fields, setFields] = useState(first);
  const set = (name: string, text: string): void => setFields((before) => ({ ...before, [name]: text }));
  return {
    fields, set,
    box: (name, label, width = 180) => (
      <Input key={name} value={fields[name] ?? ""} onChange={(event) => set(name, event.target.value)} placeholder={label} aria-label={label} title={label} data-testid={`field-${name}`} style={{ width }} />
    ),
  };
}

function HomeForm({ area, found, onSaved, send }: { area: string; found: HomeFile | null; onSaved(homeId: string): void; send: Send }) {
  const { t } = useSpeech();
  const home = found?.home;
  const { fields, box } = useFields({
    home_id: home?.home_id ?? "", area_code: home?.area_code ?? area, address: home?.address ?? "", zone: home?.zone ?? "Asia/Shanghai",
    key_at: home?.key_at ?? "", pets: home?.pets ?? "", note: home?.note ?? "",
  });
  const [level, setLevel] = useState(home?.care_level ?? 0);
  const save = async (): Promise<void> => {
    const { home_id, ...rest } = fields;
    const homeId = (home_id ?? "").trim();
    if (await send(() => put(`/api/v1/homes/${homeId}`, { ...rest, care_level: level }))) onSaved(homeId);
  };
  return (
    <p className="fields">
      {home === undefined && box("home_id", t("home.id"))}
      {box("area_code", t("home.area"), 150)}
      {box("address", t("case.where"), 300)}
      <InputNumber min={0} max={5} value={level} onChange={(value) => setLevel(value ?? 0)} prefix={t("home.level")} aria-label={t("home.level")} style={{ width: 130 }} />
      {box("key_at", t("card.key_at"), 230)}
      {box("pets", t("card.pets"), 150)}
      {box("zone", t("home.zone"), 150)}
      {box("note", t("card.note"), 300)}
      <Button type="primary" disabled={(fields["home_id"] ?? "") === ""} onClick={() => void save()} data-testid="save-home">{t("told.save")}</Button>
    </p>
  );
}

function ResidentForm({ homeId, person, send }: { homeId: string; person: HomeFile["residents"][number] | null; send: Send }) {
  const { t, word } = useSpeech();
  const { fields, box, set } = useFields({
    resident_id: person?.resident_id ?? "", name: person?.name ?? "", birth_year: person?.birth_year?.toString() ?? "", sex: person?.sex ?? "", phone: person?.phone ?? "",
    conditions: person?.conditions ?? "", mobility: person?.mobility ?? "", dialect: person?.dialect ?? "", note: person?.note ?? "",
  });
  const [oxygen, setOxygen] = useState<boolean | null>(person?.oxygen ?? null);
  const save = (): void => {
    const { resident_id, birth_year, sex, mobility, ...rest } = fields;
    const body = { ...rest, birth_year: birth_year === "" ? null : Number(birth_year), sex: sex || null, mobility: mobility || null, oxygen };
    void send(() => put(`/api/v1/homes/${homeId}/residents/${(resident_id ?? "").trim()}`, body));
  };
  return (
    <p className="fields" data-testid={person === null ? "resident-new" : `resident-${person.resident_id}`}>
      {person === null ? box("resident_id", t("home.resident_id"), 140) : <b>{person.resident_id}</b>}
      {box("name", t("told.name"), 110)}
      {box("birth_year", t("home.born"), 90)}
      <Select value={fields["sex"] ?? ""} onChange={(value: string) => set("sex", value)} options={["", "f", "m"].map((each) => ({ value: each, label: each === "" ? t("home.sex") : word("sex", each) }))} aria-label={t("home.sex")} style={{ width: 80 }} />
      {box("phone", t("home.phone"), 150)}
      {box("conditions", t("card.conditions"), 230)}
      <Select
        value={fields["mobility"] ?? ""} onChange={(value: string) => set("mobility", value)} aria-label={t("card.mobility")} style={{ width: 150 }} data-testid="field-mobility"
        options={["", ...MOBILITY].map((each) => ({ value: each, label: each === "" ? t("card.mobility") : word("mobility", each) }))}
      />
      {box("dialect", t("card.dialect"), 150)}
      <Checkbox checked={oxygen === true} indeterminate={oxygen === null} onChange={(event) => setOxygen(event.target.checked)} data-testid="field-oxygen">{t("card.oxygen")}</Checkbox>
      {box("note", t("card.note"), 230)}
      <Button disabled={(fields["resident_id"] ?? "") === "" || (fields["name"] ?? "") === ""} onClick={save} data-testid="save-resident">{t(person === null ? "told.add" : "told.save")}</Button>
    </p>
  );
}

function ContactForm({ homeId, rank, send }: { homeId: string; rank: number; send: Send }) {
  const { t } = useSpeech();
  const { fields, box } = useFields({ name: "", phone: "", relation: "" });
  const [at, setAt] = useState(rank);
  return (
    <p className="fields">
      <InputNumber min={1} max={99} value={at} onChange={(value) => setAt(value ?? 1)} prefix={t("home.rank")} aria-label={t("home.rank")} style={{ width: 100 }} />
      {box("name", t("told.name"), 120)}
      {box("relation", t("home.relation"), 100)}
      {box("phone", t("home.phone"), 160)}
      <Button disabled={fields["name"] === "" || fields["phone"] === ""} onClick={() => void send(() => put(`/api/v1/homes/${homeId}/contacts`, { ...fields, rank: at }))} data-testid="add-contact">{t("told.add")}</Button>
    </p>
  );
}

function DeviceForm({ homeId, residents, send, onPassword }: { homeId: string; residents: string[]; send: Send; onPassword(said: Credentials): void }) {
  const { t, word } = useSpeech();
  const { fields, box, set } = useFields({ device_id: "", role: "motion", room: "living", resident_id: "" });
  const choose = (name: string, every: readonly string[], label: string, say: (each: string) => string, width: number) => (
    <Select value={fields[name] ?? ""} onChange={(value: string) => set(name, value)} options={every.map((each) => ({ value: each, label: say(each) }))} aria-label={label} style={{ width }} />
  );
  return (
    <p className="fields">
      {box("device_id", t("home.device_id"), 130)}
      {choose("role", ROLES, t("home.role"), (each) => each, 140)}
      {choose("room", ROOMS, t("home.room"), (each) => word("room", each), 110)}
      {choose("resident_id", ["", ...residents], t("home.worn_by"), (each) => each || t("home.worn_by"), 150)}
      <Button
        disabled={fields["device_id"] === ""} data-testid="add-device"
        onClick={() => void send(async () => onPassword(await post<Credentials>("/api/v1/devices", { ...fields, home_id: homeId, resident_id: fields["resident_id"] || null })))}
      >{t("told.add")}</Button>
    </p>
  );
}

function RemoveHome({ homeId, onRemoved }: { homeId: string; onRemoved(): void }) {
  const { t } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [reason, setReason] = useState("");
  // What is gone is not read again, as after any other change.
  const go = (): Promise<void> =>
    post(`/api/v1/homes/${homeId}/remove`, { reason }).then(onRemoved, (error: unknown) => void message.error({ content: explain(error), key: "home" }));
  return (
    <span className="fields">
      <Input value={reason} onChange={(event) => setReason(event.target.value)} placeholder={t("home.remove_why")} aria-label={t("home.remove_why")} data-testid="remove-why" style={{ width: 170 }} />
      <Popconfirm title={t("home.remove_warning")} okText={t("home.remove")} cancelText={t("act.cancel")} onConfirm={() => void go()}>
        <Button danger disabled={reason.trim().length < 2} data-testid="remove-home">{t("home.remove")}</Button>
      </Popconfirm>
    </span>
  );
}
