// What is out of service: everybody who watches sees it, supervisors plan and end it.
import { Alert, Button, Checkbox, Input, Select, Table } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post, remove } from "./session";
import type { ServiceWindow, ServiceWindows } from "./types";

const RENEW_MS = 5_000;
const HOURS = [1, 2, 4, 8];
const EMPTY = { home: "", device: "", area: "", technical: false, reason: "", substitute: "", from: "", hours: 1 };

export function WindowsPage({ supervises }: { supervises: boolean }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const say = useRef(explain);
  say.current = explain;
  const [windows, setWindows] = useState<ServiceWindow[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);

  const load = useCallback(async (): Promise<void> => {
    try {
      setWindows((await get<ServiceWindows>("/api/v1/windows")).windows);
      setTrouble(null);
    } catch (error) {
      setTrouble(say.current(error));
    }
  }, []);
  useEffect(() => {
    void load();
    const timer = window.setInterval(() => void load(), RENEW_MS);
    return () => window.clearInterval(timer);
  }, [load]);

  const end = async (row: ServiceWindow): Promise<void> => {
    try {
      await remove(`/api/v1/windows/${row.window_id}`);
      await load();
    } catch (error) {
      setTrouble(explain(error));
    }
  };

  return (
    <main className="system" data-testid="windows-page">
      {trouble !== null && <Alert type="error" title={trouble} />}
      {supervises && <Plan onDone={load} />}
      <Table<ServiceWindow>
        size="small" pagination={{ pageSize: 20, hideOnSinglePage: true }} rowKey="window_id" dataSource={windows} locale={{ emptyText: t("window.none") }}
        columns={[
          { title: "", render: (_, row) => <b data-testid={`window-${row.state}`}>{t(`window.${row.state}`)}</b> },
          { title: t("window.what"), render: (_, row) => (row.home_id === null ? row.area_code : `${row.home_id}${row.device_id === null ? "" : `.${row.device_id}`}`) },
          { title: t("window.time"), render: (_, row) => `${at(row.from_at)} – ${at(row.ended_at ?? row.until_at)}` },
          { title: t("window.reason"), render: (_, row) => (row.technical_only ? `${row.reason} · ${t("window.technical")}` : row.reason) },
          { title: t("window.substitute"), dataIndex: "substitute" },
          { title: t("window.by"), render: (_, row) => (row.ended_by === null ? row.planned_by : `${row.planned_by} · ${row.ended_by}`) },
          {
            title: "",
            render: (_, row) =>
              supervises && row.state !== "over" && (
                <Button size="small" onClick={() => void end(row)} data-testid="window-end">
                  {t("window.end")}
                </Button>
              ),
          },
        ]}
      />
    </main>
  );
}

function Plan({ onDone }: { onDone(): Promise<void> }) {
  const { t } = useSpeech();
  const explain = useRefusal();
  const [form, setForm] = useState(EMPTY);
  const [trouble, setTrouble] = useState<string | null>(null);
  const plan = async (): Promise<void> => {
    try {
      await post("/api/v1/windows", {
        home_id: form.home || null, device_id: form.device || null, area: form.area || null, technical_only: form.technical, reason: form.reason,
        substitute: form.substitute, hours: form.hours, from_at: form.from === "" ? null : new Date(form.from).toISOString(),
      });
      setForm(EMPTY);
      setTrouble(null);
      await onDone();
    } catch (error) {
      setTrouble(explain(error));
    }
  };
  const word = (key: "home" | "device" | "area" | "reason" | "substitute") => (
    <Input value={form[key]} onChange={(event) => setForm({ ...form, [key]: event.target.value })} placeholder={t(`window.${key}`)} aria-label={t(`window.${key}`)} data-testid={`window-${key}`} />
  );
  return (
    <section>
      <h3>{t("window.plan")}</h3>
      <p>{t("window.warning")}</p>
      {trouble !== null && <Alert type="error" title={trouble} data-testid="window-refused" />}
      <div className="bar">{word("home")}{word("device")}{word("area")}</div>
      <div className="bar">{word("reason")}{word("substitute")}</div>
      <div className="bar">
        <Checkbox checked={form.technical} onChange={(event) => setForm({ ...form, technical: event.target.checked })} data-testid="window-technical">{t("window.technical")}</Checkbox>
        <label>
          {t("window.from")} <input type="datetime-local" value={form.from} onChange={(event) => setForm({ ...form, from: event.target.value })} data-testid="window-from" />
        </label>
        <Select aria-label={t("window.time")} value={form.hours} onChange={(hours) => setForm({ ...form, hours })} options={HOURS.map((hours) => ({ value: hours, label: t("window.hours", { hours }) }))} />
        <Button danger onClick={() => void plan()} disabled={form.reason.trim() === ""} data-testid="window-do">{t("window.do")}</Button>
      </div>
    </section>
  );
}
