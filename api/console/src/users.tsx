// Who may log in, for administrators: add somebody, a new password, keep out and let in again.
import { Alert, Button, Input, Select, Table, Tag } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, put, post, request } from "./session";
import type { UserPassword, UserRow, Users } from "./types";

const ROLES = ["operator", "supervisor", "admin", "helper", "family", "platform"] as const;
const KINDS = ["community", "volunteer", "doctor"] as const;

export function UsersPage({ area, me }: { area: string; me: string }) {
  const { t, word } = useSpeech();
  const explain = useRefusal();
  const [users, setUsers] = useState<UserRow[]>([]);
  const [words, setWords] = useState("");
  const [said, setSaid] = useState<UserPassword | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  const load = useCallback(async (): Promise<void> => {
    try {
      setUsers((await get<Users>("/api/v1/users")).users);
    } catch (error) {
      setTrouble(explain(error));
    }
    // A change of language asks nothing anew.
  }, []);
  useEffect(() => void load(), [load]);

  const send = async (what: () => Promise<UserPassword | void>): Promise<boolean> => {
    try {
      setSaid((await what()) ?? null);
      setTrouble(null);
      await load();
      return true;
    } catch (error) {
      setTrouble(explain(error));
      return false;
    }
  };
  const anew = async (name: string): Promise<UserPassword> => {
    const init = { method: "PUT", headers: { "Content-Type": "application/json" }, body: "{}" };
    return (await (await request(`/api/v1/users/${name}/password`, init)).json()) as UserPassword;
  };
  const shown = users.filter((each) => `${each.user_name} ${each.display_name}`.toLowerCase().includes(words.trim().toLowerCase()));

  return (
    <main className="system" data-testid="users-page">
      {trouble !== null && <Alert type="error" title={trouble} data-testid="users-refused" />}
      {said !== null && <Alert type="warning" data-testid="user-password" title={t("home.password_once")} description={<>{said.user_name}: <code>{said.password}</code></>} />}
      <NewUser area={area} send={send} />
      <Input allowClear value={words} onChange={(event) => setWords(event.target.value)} placeholder={t("user.search")} aria-label={t("user.search")} style={{ width: 260 }} />
      <Table<UserRow>
        size="small" rowKey="user_name" dataSource={shown} pagination={{ pageSize: 20 }}
        columns={[
          { title: t("login.user"), render: (_, row) => (<><b>{row.user_name}</b> {row.display_name}</>) },
          { title: t("user.role"), render: (_, row) => word("role", row.role) },
          { title: t("shift.area"), render: (_, row) => row.area_prefix || "*" },
          { title: t("user.family_of"), render: (_, row) => row.family_of.join(", ") },
          { title: "", render: (_, row) => !row.active && <Tag color="red">✕ {t("user.out")}</Tag> },
          {
            title: "",
            render: (_, row) => (
              <span data-testid={`user-${row.user_name}`}>
                <Button size="small" data-testid="user-anew" onClick={() => void send(() => anew(row.user_name))}>{t("user.anew")}</Button>{" "}
                {row.user_name !== me && (
                  <Button size="small" data-testid="user-active" onClick={() => void send(() => put(`/api/v1/users/${row.user_name}/active`, { active: !row.active }))}>
                    {t(row.active ? "user.keep_out" : "user.let_in")}
                  </Button>
                )}
              </span>
            ),
          },
        ]}
      />
    </main>
  );
}

function NewUser({ area, send }: { area: string; send(what: () => Promise<UserPassword>): Promise<boolean> }) {
  const { t, word } = useSpeech();
  const empty = { user_name: "", display_name: "", role: "operator", area_prefix: area, family_of: "", helper_kind: "volunteer" };
  const [fields, setFields] = useState(empty);
  const box = (name: keyof typeof empty, label: string, width = 150) => (
    <Input value={fields[name]} onChange={(event) => setFields({ ...fields, [name]: event.target.value })} placeholder={label} aria-label={label} data-testid={`user-${name}`} style={{ width }} />
  );
  const add = async (): Promise<void> => {
    const { family_of, helper_kind, ...rest } = fields;
    const body = {
      ...rest,
      ...(fields.role === "family" ? { family_of: family_of.split(/[\s,]+/).filter((each) => each !== "") } : {}),
      ...(fields.role === "helper" ? { helper_kind } : {}),
    };
    if (await send(() => post<UserPassword>("/api/v1/users", body))) setFields(empty);
  };
  return (
    <p className="fields">
      {box("user_name", t("login.user"))}
      {box("display_name", t("told.name"))}
      <Select value={fields.role} onChange={(role: string) => setFields({ ...fields, role })} options={ROLES.map((each) => ({ value: each, label: word("role", each) }))} aria-label={t("user.role")} data-testid="user-role" style={{ width: 130 }} />
      {box("area_prefix", t("shift.area"), 140)}
      {fields.role === "family" && box("family_of", t("user.family_of"), 220)}
      {fields.role === "helper" && (
        <Select value={fields.helper_kind} onChange={(helper_kind: string) => setFields({ ...fields, helper_kind })} options={KINDS.map((each) => ({ value: each, label: word("helper", each) }))} aria-label={t("user.kind")} style={{ width: 130 }} />
      )}
      <Button type="primary" disabled={fields.user_name === ""} onClick={() => void add()} data-testid="user-add">{t("told.add")}</Button>
    </p>
  );
}
