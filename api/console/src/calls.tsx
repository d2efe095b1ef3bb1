// Ringing people up: whose turn it is, and how it went. A result is chosen by its number.
import { Button } from "antd";
import { useSpeech } from "./language";
import type { CallMade, CallResult, CaseDetail } from "./types";

/** Somebody with a telephone number: the residents first, then the contacts in order. */
export interface Callee {
  contact_id: number | null;
  resident_id: string | null;
  name: string;
  phone: string;
}

export function calleesOf(detail: CaseDetail): Callee[] {
  const concerned = detail.residents.toSorted((a, b) => Number(b.resident_id === detail.resident_id) - Number(a.resident_id === detail.resident_id));
  return [
    ...concerned.map((each) => ({ contact_id: null, resident_id: each.resident_id, name: each.name, phone: each.phone })),
    ...detail.contacts.map((each) => ({ contact_id: each.contact_id, resident_id: null, name: each.name, phone: each.phone })),
  ].filter((each) => each.phone !== "");
}

export function callsTo(calls: readonly CallMade[], callee: Pick<Callee, "contact_id" | "resident_id">): CallMade[] {
  return calls.filter((call) => call.contact_id === callee.contact_id && call.resident_id === callee.resident_id);
}

/** Whose turn it is: who was tried least often, in order; a wrong number last of all. */
export function nextCallee(detail: CaseDetail): Callee | undefined {
  const weight = (callee: Callee): number => {
    const made = callsTo(detail.calls, callee);
    return made.length + (made.some((call) => call.result === "wrong_number") ? 1_000 : 0);
  };
  return calleesOf(detail).reduce<Callee | undefined>((best, each) => (best === undefined || weight(each) < weight(best) ? each : best), undefined);
}

/** What came of earlier calls to somebody. */
export function Tried({ calls, results }: { calls: readonly CallMade[]; results: readonly CallResult[] }) {
  const { language, at } = useSpeech();
  return (
    <>
      {calls.map((call, index) => (
        <small key={index} className={call.result === "reached" ? "tried reached" : "tried"} data-testid="tried" title={call.actor}>
          {at(call.at)} {results.find((each) => each.code === call.result)?.[language] ?? call.result}
        </small>
      ))}
    </>
  );
}

/** Somebody is being rung up: how did it go? */
export function Calling({ callee, results, onResult, onCancel }: { callee: Callee; results: readonly CallResult[]; onResult(code: string): void; onCancel(): void }) {
  const { t, language } = useSpeech();
  return (
    <div className="ringing" role="status" data-testid="calling">
      <b>{t("call.to", { who: callee.name, number: callee.phone })}</b> {t("call.how")}
      <span className="acts">
        {results.map((each, index) => (
          <Button key={each.code} size="small" onClick={() => onResult(each.code)} data-testid={`call-${each.code}`}>
            <kbd>{index + 1}</kbd> {each[language]}
          </Button>
        ))}
        <Button size="small" type="text" onClick={onCancel} data-testid="call-none">
          {t("call.none")}
        </Button>
      </span>
    </div>
  );
}
