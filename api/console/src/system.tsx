// For administrators and supervisors: what runs, what was refused and why, which devices nobody has registered.
import { Alert, Table, Tag } from "antd";
import { useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get } from "./session";
import type { DeadLetter, DeadLetters, Health, Lane, UnboundDevice, UnboundDevices } from "./types";

const RENEW_MS = 5_000;

export function SystemPage() {
  const { t, word, at, duration } = useSpeech();
  const explain = useRefusal();
  const say = useRef(explain);
  say.current = explain;
  const [health, setHealth] = useState<Health | null>(null);
  const [letters, setLetters] = useState<DeadLetter[]>([]);
  const [unbound, setUnbound] = useState<UnboundDevice[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);

  useEffect(() => {
    const stop = new AbortController();
    const load = async (): Promise<void> => {
      try {
        setHealth(await get<Health>("/api/v1/health", stop.signal));
        setLetters((await get<DeadLetters>("/api/v1/dead-letters?limit=50", stop.signal)).letters);
        setUnbound((await get<UnboundDevices>("/api/v1/devices/unbound", stop.signal)).devices);
        setTrouble(null);
      } catch (error) {
        if (!stop.signal.aborted) setTrouble(say.current(error));
      }
    };
    void load();
    const timer = window.setInterval(() => void load(), RENEW_MS);
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, []);

  return (
    <main className="system">
      {trouble !== null && <Alert type="error" title={trouble} />}
      <h3>{t("system.stages")}</h3>
      <p data-testid="stages">
        {health?.stages.map((stage) => (
          <Tag key={stage.name} color={stage.state === "ok" ? "green" : stage.state === "late" ? "gold" : "red"} title={stage.detail}>
            {stage.name}: {word("stage", stage.state)}
          </Tag>
        ))}
      </p>
      <h3>{t("system.pipeline")}</h3>
      <Table<Lane>
        size="small" pagination={false} rowKey={(lane) => `${lane.group} ${lane.lane} ${lane.source}`} dataSource={health?.pipeline.lanes ?? []}
        columns={[
          { title: "", render: (_, lane) => `${lane.group} · ${lane.lane} · ${lane.source}` },
          { title: t("system.lag"), dataIndex: "lag", align: "right" },
          { title: t("system.age"), align: "right", render: (_, lane) => duration(lane.age_s) },
          { title: t("system.watched"), align: "right", render: (_, lane) => (lane.watched_lag_s === null ? "–" : duration(lane.watched_lag_s)) },
          { title: "", render: (_, lane) => (lane.standing.length === 0 ? "●" : `✕ ${t("pipe.parts", { count: lane.standing.length })}`) },
        ]}
      />
      <h3>{t("system.letters")}</h3>
      <Table<DeadLetter>
        size="small" pagination={{ pageSize: 10 }} rowKey="letter_id" dataSource={letters} locale={{ emptyText: t("system.no_letters") }}
        columns={[
          { title: t("system.when"), render: (_, letter) => at(letter.at) },
          { title: t("system.account"), dataIndex: "account" },
          { title: t("system.reason"), dataIndex: "reason" },
          { title: t("system.detail"), dataIndex: "detail" },
        ]}
      />
      <h3>{t("system.unbound")}</h3>
      <Table<UnboundDevice>
        size="small" pagination={{ pageSize: 10 }} rowKey={(device) => `${device.home_id}.${device.device_id}`} dataSource={unbound} locale={{ emptyText: t("system.no_unbound") }}
        columns={[
          { title: t("system.account"), render: (_, device) => `${device.home_id}.${device.device_id}` },
          { title: t("system.when"), render: (_, device) => (device.last_seen_at === null ? "–" : at(device.last_seen_at)) },
        ]}
      />
    </main>
  );
}
