// Beyond one's area: opening one record for a stated reason and a while; and, for supervisors, who did so and who looked at whom.
import { Alert, Button, Input, Modal, Table } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { Refused, get, post, remove } from "./session";
import type { Opening, Openings, View, Views } from "./types";

const LEAST_LETTERS = 10;
const RENEW_MS = 15_000;

/** A button that asks whom and why; `onOpened` gets the opening. */
export function BreakGlass({ onOpened }: { onOpened(opening: Opening): void }) {
  const { t } = useSpeech();
  const explain = useRefusal();
  const [asking, setAsking] = useState(false);
  const [whom, setWhom] = useState("");
  const [why, setWhy] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);

  const open = async (): Promise<void> => {
    try {
      onOpened(await post<Opening>("/api/v1/break-glass", { resident: whom, reason: why }));
      setAsking(false);
      setWhom("");
      setWhy("");
      setTrouble(null);
    } catch (error) {
      setTrouble(explain(error));
    }
  };

  return (
    <>
      <Button onClick={() => setAsking(true)} data-testid="break-glass">
        {t("glass.open")}
      </Button>
      <Modal
        open={asking} title={t("glass.open")} onCancel={() => setAsking(false)} onOk={() => void open()} okText={t("glass.do")} cancelText={t("act.cancel")}
        okButtonProps={{ danger: true, disabled: whom.trim() === "" || why.trim().length < LEAST_LETTERS, "data-testid": "glass-open" }}
      >
        <p>{t("glass.warning")}</p>
        {trouble !== null && <Alert type="error" title={trouble} data-testid="glass-refused" />}
        <p>
          <Input value={whom} onChange={(event) => setWhom(event.target.value)} placeholder={t("glass.whom")} aria-label={t("glass.whom")} data-testid="glass-whom" />
        </p>
        <Input.TextArea value={why} rows={3} maxLength={500} onChange={(event) => setWhy(event.target.value)} placeholder={t("glass.why")} aria-label={t("glass.why")} data-testid="glass-why" />
      </Modal>
    </>
  );
}

/** Says over a record that it is open beyond the area, until when, and closes it. */
export function Broken({ opening, onEnded }: { opening: Opening; onEnded(): void }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [trouble, setTrouble] = useState<string | null>(null);
  const end = (): void => {
    remove(`/api/v1/break-glass/${opening.opening_id}`).then(onEnded, (error: unknown) => {
      // Over already: its time is up, or a supervisor was faster.
      if (error instanceof Refused && error.problem.status === 404) onEnded();
      else setTrouble(explain(error));
    });
  };
  return (
    <Alert
      type="warning" data-testid="glass-broken" title={trouble ?? t("glass.broken", { until: at(opening.ends_at) })}
      action={
        <Button size="small" onClick={end} data-testid="glass-end">
          {t("glass.end")}
        </Button>
      }
    />
  );
}

/** Openings and views, for supervisors. */
export function Trace() {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [openings, setOpenings] = useState<Opening[]>([]);
  const [views, setViews] = useState<View[]>([]);
  const [whom, setWhom] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);

  const load = useCallback(async (): Promise<void> => {
    try {
      setOpenings((await get<Openings>("/api/v1/break-glass")).openings);
      setViews((await get<Views>(`/api/v1/views?${new URLSearchParams(whom === "" ? {} : { resident_id: whom })}`)).views);
      setTrouble(null);
    } catch (error) {
      setTrouble(explain(error));
    }
    // A change of language asks nothing anew.
  }, [whom]);
  useEffect(() => {
    void load();
    const timer = window.setInterval(() => void load(), RENEW_MS);
    return () => window.clearInterval(timer);
  }, [load]);

  const end = (opening: Opening): void => {
    remove(`/api/v1/break-glass/${opening.opening_id}`).then(load, (error: unknown) => setTrouble(explain(error)));
  };

  return (
    <>
      {trouble !== null && <Alert type="error" title={trouble} />}
      <h3>{t("glass.openings")}</h3>
      <Table<Opening>
        size="small" pagination={{ pageSize: 10 }} rowKey="opening_id" dataSource={openings} locale={{ emptyText: t("glass.no_openings") }} data-testid="openings"
        columns={[
          { title: t("system.when"), render: (_, row) => at(row.opened_at) },
          { title: t("glass.who"), dataIndex: "user_name" },
          { title: t("case.who"), render: (_, row) => `${row.name ?? ""} ${row.resident_id} · ${row.area_code}` },
          { title: t("glass.why"), dataIndex: "reason" },
          { title: t("glass.until"), render: (_, row) => at(row.ended_at ?? row.ends_at) },
          {
            title: "",
            render: (_, row) =>
              row.living && (
                <Button size="small" onClick={() => end(row)} data-testid="glass-end">
                  {t("glass.end")}
                </Button>
              ),
          },
        ]}
      />
      <h3>{t("glass.views")}</h3>
      <Input allowClear value={whom} onChange={(event) => setWhom(event.target.value.trim())} placeholder={t("glass.views_of")} aria-label={t("glass.views_of")} data-testid="views-of" />
      <Table<View>
        size="small" pagination={{ pageSize: 10 }} rowKey={(row) => `${row.at} ${row.actor}`} dataSource={views} locale={{ emptyText: t("glass.no_views") }} data-testid="views"
        columns={[
          { title: t("system.when"), render: (_, row) => at(row.at) },
          { title: t("glass.who"), dataIndex: "actor" },
          { title: t("case.who"), render: (_, row) => `${row.residents.slice(0, 3).join(", ")}${row.residents.length > 3 ? ` +${row.residents.length - 3}` : ""}` },
          { title: t("glass.what"), render: (_, row) => (row.action === "viewed" ? t("glass.viewed") : t("glass.listed", { words: row.words })) },
          { title: t("glass.right"), dataIndex: "by_right" },
        ]}
      />
    </>
  );
}
