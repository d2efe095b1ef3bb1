// Handing an incident over to medicine: the bundle as a file, sent, and whether it was taken; and the banner of what nobody takes.
import { Alert, Button, Input } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { download, get, post } from "./session";
import type { Handover, HandoversNotTaken, HandoversOfCase, NotTaken } from "./types";

const RENEW_MS = 3_000;
const LOOK_MS = 15_000;

export function Handovers({ caseId }: { caseId: string }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState<Handover[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [how, setHow] = useState("");

  const fail = (error: unknown): void => setTrouble(explain(error));
  const load = useCallback(() => {
    get<HandoversOfCase>(`/api/v1/cases/${caseId}/handovers`).then((page) => setFound(page.handovers), fail);
  }, [caseId]);
  useEffect(() => {
    if (!open) return undefined;
    load();
    const timer = window.setInterval(load, RENEW_MS);
    return () => window.clearInterval(timer);
  }, [open, load]);

  const act = (what: string, body: object): void => {
    post(`/api/v1/cases/${caseId}/${what}`, body).then(() => {
      setTrouble(null);
      setHow("");
      load();
    }, fail);
  };
  const state = (each: Handover): string => {
    if (each.sent_at !== null) return t("medicine.taken", { at: at(each.sent_at) });
    if (each.settled_at !== null) return t("medicine.settled", { how: each.settled_how });
    return t(each.given_up ? "medicine.given_up" : "medicine.trying", { times: each.attempts, detail: each.detail });
  };
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)} data-testid="medicine">
      <summary>{t("medicine.title")}</summary>
      {trouble !== null && <Alert type="error" title={trouble} data-testid="medicine-trouble" />}
      <Button size="small" onClick={() => download(`/api/v1/cases/${caseId}/fhir`, `case-${caseId}.fhir.json`).catch(fail)} data-testid="fhir-file">{t("medicine.file")}</Button>{" "}
      <Button size="small" onClick={() => act("fhir", {})} data-testid="fhir-send">{t("medicine.send")}</Button>
      <ul className="lines">
        {found.map((each) => (
          <li key={each.handover_id} data-testid="handover" className={each.given_up ? "hot" : ""}>
            <time>{at(each.asked_at)}</time> {each.asked_by} · {state(each)}
            {each.sent_at === null && each.settled_at === null && (
              <>
                {" "}
                <Button size="small" onClick={() => act(`handovers/${each.handover_id}/again`, {})} data-testid="handover-again">{t("medicine.again")}</Button>{" "}
                <Input size="small" value={how} onChange={(event) => setHow(event.target.value)} placeholder={t("medicine.how")} aria-label={t("medicine.how")} maxLength={200} data-testid="handover-how" />{" "}
                <Button size="small" disabled={how.trim() === ""} onClick={() => act(`handovers/${each.handover_id}/settle`, { how })} data-testid="handover-settle">{t("medicine.settle")}</Button>
              </>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What medicine does not take, until it is taken or somebody says how it was told otherwise. */
export function NotTakenBanner({ onOpen }: { onOpen(caseId: string): void }) {
  const { t, word, at } = useSpeech();
  const [found, setFound] = useState<NotTaken[]>([]);
  useEffect(() => {
    const look = (): void => {
      // Away: the other banners say so.
      get<HandoversNotTaken>("/api/v1/handovers/not-taken").then((page) => setFound(page.handovers), () => undefined);
    };
    look();
    const timer = window.setInterval(look, LOOK_MS);
    return () => window.clearInterval(timer);
  }, []);
  if (found.length === 0) return null;
  return (
    <Alert
      banner className="banner" data-testid="not-taken" type={found.some((each) => each.given_up) ? "error" : "warning"}
      title={
        <>
          {t("medicine.not_taken", { count: found.length })}{" "}
          {found.slice(0, 5).map((each) => (
            <Button key={each.handover_id} size="small" onClick={() => onOpen(each.case_id)}>
              {word("family", each.family)} {each.home_id} · {at(each.asked_at)} · {t(each.given_up ? "medicine.ring_up" : "medicine.still_tried")}
            </Button>
          ))}
        </>
      }
    />
  );
}
