// What was before in this home: its last incidents, each to be read, and what may still be said of one that is over.
import { Alert, Button, Input, Modal, Spin, Tag } from "antd";
import { useEffect, useState } from "react";
import { History } from "./history";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import type { CaseAfter, CaseDetail, CaseRow, EarlierCase, EarlierCases } from "./types";

/** One case to read, before everything else on the page. */
export function ReadCase({ caseId, onClose, onDone }: { caseId: string | null; onClose(): void; onDone(row: CaseRow): void }) {
  const { t } = useSpeech();
  return (
    <Modal open={caseId !== null} onCancel={onClose} footer={null} title={t("earlier.read")} destroyOnHidden width={640}>
      {caseId !== null && (
        <ReadOnly
          caseId={caseId}
          onDone={(row) => {
            onDone(row);
            onClose();
          }}
        />
      )}
    </Modal>
  );
}

export function Earlier({ caseId, onDone }: { caseId: string; onDone(row: CaseRow): void }) {
  const { t, word, sentence, at } = useSpeech();
  const explain = useRefusal();
  const [cases, setCases] = useState<EarlierCase[] | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [open, setOpen] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    get<EarlierCases>(`/api/v1/cases/${caseId}/earlier`, stop.signal).then(
      (found) => setCases(found.cases),
      (error: unknown) => stop.signal.aborted || setTrouble(explain(error)),
    );
    return () => stop.abort();
    // Each reading is in the audit: once a case, whatever language.
  }, [caseId]);
  return (
    <section data-testid="earlier">
      <h3>{t("earlier.title")}</h3>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {cases === null && trouble === null && <p className="small">{t("earlier.unknown")}</p>}
      {cases?.length === 0 && <p className="small">{t("earlier.none")}</p>}
      <ul className="lines">
        {cases?.map((each) => (
          <li key={each.case_id}>
            <button className="link" onClick={() => setOpen(each.case_id)} data-testid="earlier-case">
              <time>{at(each.raised_at)}</time> P{each.priority} {word("family", each.family)} · {word("handling", each.handling)}
              {each.outcome !== null && <> · {sentence(each.outcome)}</>}
            </button>
          </li>
        ))}
      </ul>
      <ReadCase caseId={open} onClose={() => setOpen(null)} onDone={onDone} />
    </section>
  );
}

/** One case to read. It takes nothing from the one in hand, whose lease goes on behind it. */
function ReadOnly({ caseId, onDone }: { caseId: string; onDone(row: CaseRow): void }) {
  const { word, sentence, at } = useSpeech();
  const explain = useRefusal();
  const [detail, setDetail] = useState<CaseDetail | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    get<CaseDetail>(`/api/v1/cases/${caseId}`, stop.signal).then(setDetail, (error: unknown) => stop.signal.aborted || setTrouble(explain(error)));
    return () => stop.abort();
  }, [caseId]);
  if (trouble !== null) return <Alert type="error" title={trouble} />;
  if (detail === null) return <Spin />;
  return (
    <div data-testid="read-only">
      <p>
        <b>P{detail.priority} {word("family", detail.family)}</b> <Tag>{word("handling", detail.handling)}</Tag> <small>{at(detail.event_at)}</small>
      </p>
      <ul className="reasons">
        {detail.reasons.map((reason, index) => (
          <li key={index}>{sentence(reason)}</li>
        ))}
      </ul>
      <Afterwards detail={detail} onDone={onDone} />
      <History detail={detail} />
    </div>
  );
}

/** It was not over after all, or somebody looked again as promised. Both want words. */
export function Afterwards({ detail, onDone }: { detail: CaseDetail; onDone(row: CaseRow): void }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [words, setWords] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  if (detail.handling !== "RESOLVED" && detail.handling !== "CLOSED") return null;
  const send = async (what: string, body: object): Promise<void> => {
    setBusy(true);
    try {
      onDone(await post<CaseAfter>(`/api/v1/cases/${detail.case_id}/${what}`, { version: detail.version, ...body }));
      setTrouble(null);
    } catch (error) {
      setTrouble(explain(error));
    }
    setBusy(false);
  };
  const empty = words.trim() === "";
  return (
    <div className="after" data-testid="afterwards">
      {detail.follow_up_at !== null && <p className="held">{t("after.promised", { until: at(detail.follow_up_at) })}</p>}
      {trouble !== null && <Alert type="error" title={trouble} />}
      <Input.TextArea rows={2} maxLength={2000} value={words} onChange={(event) => setWords(event.target.value)} placeholder={t("after.words")} aria-label={t("after.words")} data-testid="after-words" />
      <span className="acts">
        <Button disabled={empty} loading={busy} onClick={() => void send("reopen", { reason: words })} data-testid="reopen">
          {t("after.reopen")}
        </Button>
        {detail.handling === "RESOLVED" && (
          <Button disabled={empty} loading={busy} onClick={() => void send("follow-up", { note: words })} data-testid="followed-up">
            {t("after.followed_up")}
          </Button>
        )}
      </span>
    </div>
  );
}
