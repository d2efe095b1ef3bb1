// Forms for what needs words: a note, whom one sends, why one waits, what it turned out to be.
import { type ButtonProps, Checkbox, type GetRef, Input, InputNumber, Modal, Radio } from "antd";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { useOutcomes } from "./outcomes";
import type { ScriptStep } from "./types";

export type Form = "verify" | "arrive" | "note" | "dispatch" | "hold" | "shelve" | "escalate" | "resolve";

/** Longest hold by priority, min; the server holds the same limit. */
const LONGEST_MIN: Record<number, number> = { 1: 2, 2: 15 };
/** Longest time on the shelf, min: a shift. */
const SHELF_MIN = 480;
/** Latest follow-up, min: the day in which a case keeps its id. */
const FOLLOW_UP_MIN = 1440;
/** Outcomes of which no steps are asked. */
const UNSCRIPTED = new Set(["test", "duplicate"]);
/** What may be sent without words. */
const WORDLESS = new Set<Form>(["escalate"]);

interface Props {
  form: Form | null;
  priority: number;
  script: ScriptStep[];
  /** Steps that stand as done: what the form begins with. */
  done: readonly string[];
  technical: boolean;
  onCancel(): void;
  onSend(what: string, extra: object): Promise<boolean>;
}

export function ActForm({ form, priority, script, done, technical, onCancel, onSend }: Props) {
  const { t, language } = useSpeech();
  const longest = form === "shelve" ? SHELF_MIN : (LONGEST_MIN[priority] ?? 240);
  const [words, setWords] = useState("");
  const [outcome, setOutcome] = useState<string | null>(null);
  const [contact, setContact] = useState<string | null>(null);
  const [steps, setSteps] = useState<string[]>([]);
  const [minutes, setMinutes] = useState(longest);
  const [followUpMin, setFollowUpMin] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const field = useRef<GetRef<typeof Input.TextArea>>(null);
  const ticked = useRef(done);
  ticked.current = done;

  useEffect(() => {
    setWords("");
    setOutcome(null);
    setContact(null);
    setSteps([...ticked.current]);
    setFollowUpMin(null);
    setMinutes(Math.min(longest, 15));
  }, [form, longest]);

  const wants = { note: "form.note_write", dispatch: "form.dispatch_who", hold: "form.hold_why", shelve: "form.shelve_why", resolve: "form.note_resolve", escalate: "form.escalate", verify: "form.note", arrive: "form.note" } as const;
  const scripted = outcome === null || !UNSCRIPTED.has(outcome);
  const followed = !scripted || script.every((step) => !step.required || steps.includes(step.code));
  const ready = form === "resolve" ? outcome !== null && (technical || contact !== null) && followed : form !== null && (WORDLESS.has(form) || words.trim() !== "");

  const send = async (): Promise<void> => {
    if (form === null || !ready) return;
    setBusy(true);
    const extra =
      form === "note" ? { text: words } : form === "hold" ? { note: words, hold_s: minutes * 60 } : form === "shelve" ? { note: words, shelf_s: minutes * 60 } : form === "resolve" ? { note: words, outcome, contact: contact ?? "", steps, follow_up_s: followUpMin === null ? null : followUpMin * 60 } : { note: words };
    await onSend(form, extra);
    setBusy(false);
  };

  return (
    <Modal
      // From the field one need not reach for the mouse; Enter alone is a new line, so that nothing is sent by one key.
      wrapProps={{ onKeyDown: (event: KeyboardEvent<HTMLElement>) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && void send() }}
      open={form !== null} title={form === null ? "" : t(`act.${form}`)} onCancel={onCancel} afterOpenChange={(open) => open && field.current?.focus()} onOk={() => void send()} destroyOnHidden
      // No cross in the corner: it would hold the keyboard until the field has it, and an Enter in that moment would close the form.
      closable={false} mask={{ closable: false }}
      okText={t("act.confirm")} cancelText={t("act.cancel")} okButtonProps={{ disabled: !ready, "data-testid": "confirm" } as ButtonProps} confirmLoading={busy}
    >
      {form === "resolve" && <Ending outcome={outcome} onOutcome={setOutcome} contact={contact} onContact={setContact} />}
      {form === "resolve" && script.length > 0 && (
        <Checkbox.Group className="outcomes" value={steps} onChange={(chosen) => setSteps(chosen.map(String))}>
          <h4>{t("form.steps")}</h4>
          {script.map((step) => (
            <Checkbox key={step.code} value={step.code} data-testid={`step-${step.code}`}>
              {step[language]}
              {step.required && scripted && " *"}
            </Checkbox>
          ))}
        </Checkbox.Group>
      )}
      {(form === "hold" || form === "shelve") && (
        <label className="field">
          {t("form.hold_minutes")} <InputNumber min={1} max={longest} value={minutes} onChange={(value) => setMinutes(value ?? 1)} />
        </label>
      )}
      {form === "resolve" && (
        <label className="field">
          {t("form.follow_up")} <InputNumber min={1} max={FOLLOW_UP_MIN} value={followUpMin} onChange={setFollowUpMin} data-testid="follow-up" />
        </label>
      )}
      {form !== null && (
        <label className="field">
          {t(wants[form])}
          <Input.TextArea rows={3} maxLength={2000} value={words} onChange={(event) => setWords(event.target.value)} ref={field} data-testid="words" />
        </label>
      )}
    </Modal>
  );
}

interface EndingProps {
  outcome: string | null;
  onOutcome(code: string): void;
  contact: string | null;
  onContact(code: string): void;
}

/** What it turned out to be, and who was reached. */
function Ending({ outcome, onOutcome, contact, onContact }: EndingProps) {
  const { t, language } = useSpeech();
  const choice = useOutcomes();
  return (
    <>
      <Radio.Group className="outcomes" value={outcome} onChange={(event) => onOutcome(String(event.target.value))}>
        <p>{t("form.outcome")}</p>
        {[true, false].map((real) => (
          <div key={String(real)}>
            <h4>{t(real ? "form.true_alarm" : "form.false_alarm")}</h4>
            {choice.outcomes.filter((each) => each.true_alarm === real).map((each) => (
              <Radio key={each.code} value={each.code} data-testid={`outcome-${each.code}`}>
                {each[language]}
              </Radio>
            ))}
          </div>
        ))}
      </Radio.Group>
      <Radio.Group className="outcomes" value={contact} onChange={(event) => onContact(String(event.target.value))}>
        <h4>{t("form.contact")}</h4>
        {choice.contacts.map((each) => (
          <Radio key={each.code} value={each.code} data-testid={`contact-${each.code}`}>
            {each[language]}
          </Radio>
        ))}
      </Radio.Group>
    </>
  );
}
