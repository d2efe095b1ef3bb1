// The second look at resolved P1, for any other desk; for supervisors also the reviews that opened because nobody took one, and who looked at whom.
import { Alert, Button, Input, Table } from "antd";
import { useCallback, useEffect, useState } from "react";
import { ReadCase } from "./earlier";
import { Trace } from "./glass";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import type { NotLookedAt, NotLookedAts, Person, Review, Reviews } from "./types";

const RENEW_MS = 5_000;

export function OversightPage({ person }: { person: Person }) {
  const supervises = person.role === "supervisor";
  const { t, word, sentence, at, duration } = useSpeech();
  const explain = useRefusal();
  const [looks, setLooks] = useState<NotLookedAt[]>([]);
  const [reviews, setReviews] = useState<Review[]>([]);
  const [findings, setFindings] = useState<Record<string, string>>({});
  const [trouble, setTrouble] = useState<string | null>(null);
  const [read, setRead] = useState<string | null>(null);

  const load = useCallback(async (): Promise<void> => {
    try {
      setLooks((await get<NotLookedAts>("/api/v1/second-looks")).cases);
      if (supervises) setReviews((await get<Reviews>("/api/v1/reviews")).reviews);
      setTrouble(null);
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

  const send = async (address: string, body: object): Promise<void> => {
    try {
      await post(address, body);
      await load();
    } catch (error) {
      setTrouble(explain(error));
    }
  };

  return (
    <main className="system">
      {trouble !== null && <Alert type="error" title={trouble} />}
      <h3>{t("oversight.looks")}</h3>
      <Table<NotLookedAt>
        size="small" pagination={{ pageSize: 10 }} rowKey="case_id" dataSource={looks} locale={{ emptyText: t("oversight.no_looks") }}
        columns={[
          { title: t("system.when"), render: (_, row) => at(row.resolved_at) },
          { title: "", render: (_, row) => `${word("family", row.family)} · ${row.home_id}` },
          { title: t("system.reason"), render: (_, row) => row.reasons.map((each) => sentence(each)).join(" · ") },
          { title: t("oversight.by"), dataIndex: "resolved_by" },
          { title: t("form.outcome"), dataIndex: "outcome" },
          {
            // Who does not agree reads it and reopens it there, with a reason.
            title: "",
            render: (_, row) => (
              <Button size="small" data-testid="read-case" onClick={() => setRead(row.case_id)}>
                {t("oversight.read")}
              </Button>
            ),
          },
          {
            title: "",
            render: (_, row) => row.resolved_by !== person.user_name && (
              <Button size="small" data-testid="agree" onClick={() => void send(`/api/v1/cases/${row.case_id}/second-look`, { version: row.version })}>
                {t("act.agree")}
              </Button>
            ),
          },
        ]}
      />
      <ReadCase caseId={read} onClose={() => setRead(null)} onDone={() => void load()} />
      {supervises && (<>
      <h3>{t("oversight.reviews")}</h3>
      <Table<Review>
        size="small" pagination={{ pageSize: 10 }} rowKey="case_id" dataSource={reviews} locale={{ emptyText: t("oversight.no_reviews") }}
        columns={[
          { title: t("system.when"), render: (_, row) => at(row.opened_at) },
          { title: "", render: (_, row) => `${word("family", row.family)} · ${row.home_id} · ${word("handling", row.handling)}` },
          { title: t("oversight.waited"), render: (_, row) => duration(row.waited_s) },
          {
            title: t("oversight.finding"),
            render: (_, row) => (
              <Input value={findings[row.case_id] ?? ""} onChange={(event) => setFindings({ ...findings, [row.case_id]: event.target.value })} data-testid="finding" />
            ),
          },
          {
            title: "",
            render: (_, row) => (
              <Button
                size="small" disabled={(findings[row.case_id] ?? "").trim() === ""} data-testid="close-review"
                onClick={() => void send(`/api/v1/reviews/${row.case_id}/close`, { finding: findings[row.case_id] })}
              >
                {t("act.close_review")}
              </Button>
            ),
          },
        ]}
      />
      <Trace />
      </>)}
    </main>
  );
}
