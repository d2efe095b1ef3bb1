// Forms for what needs words: a note, whom one sends, why one waits, what it turned out to be.
import { type ButtonProps, type GetRef, Input, InputNumber, Modal, Radio } from "antd";
import { useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { get } from "./session";
import type { Outcome } from "./types";

export type Form = "verify" | "arrive" | "note" | "dispatch" | "hold" | "resolve";

/** Longest hold by priority, min; the server holds the same limit. */
const LONGEST_MIN: Record<number, number> = { 1: 2, 2: 15 };
let known: Outcome[] | null = null;

interface Props {
  form: Form | null;
  priority: number;
  onCancel(): void;
  onSend(what: string, extra: object): Promise<boolean>;
}

export function ActForm({ form, priority, onCancel, onSend }: Props) {
  const { t } = useSpeech();
  const longest = LONGEST_MIN[priority] ?? 240;
  const [words, setWords] = useState("");
  const [outcome, setOutcome] = useState<string | null>(null);
  const [minutes, setMinutes] = useState(longest);
  const [busy, setBusy] = useState(false);
  const field = useRef<GetRef<typeof Input.TextArea>>(null);

  useEffect(() => {
    setWords("");
    setOutcome(null);
    setMinutes(Math.min(longest, 15));
  }, [form, longest]);

  const wants = { note: "form.note_write", dispatch: "form.dispatch_who", hold: "form.hold_why", resolve: "form.note_resolve", verify: "form.note", arrive: "form.note" } as const;
  const ready = form === "resolve" ? outcome !== null : words.trim() !== "";

  const send = async (): Promise<void> => {
    if (form === null || !ready) return;
    setBusy(true);
    const extra =
      form === "note" ? { text: words } : form === "hold" ? { note: words, hold_s: minutes * 60 } : form === "resolve" ? { note: words, outcome } : { note: words };
    await onSend(form, extra);
    setBusy(false);
  };

  return (
    <Modal
      open={form !== null} title={form === null ? "" : t(`act.${form}`)} onCancel={onCancel} afterOpenChange={(open) => open && field.current?.focus()} onOk={() => void send()} destroyOnHidden
      // No cross in the corner: it would hold the keyboard until the field has it, and an Enter in that moment would close the form.
      closable={false} mask={{ closable: false }}
      okText={t("act.confirm")} cancelText={t("act.cancel")} okButtonProps={{ disabled: !ready, "data-testid": "confirm" } as ButtonProps} confirmLoading={busy}
    >
      {form === "resolve" && <Outcomes chosen={outcome} onChoose={setOutcome} />}
      {form === "hold" && (
        <label className="field">
          {t("form.hold_minutes")} <InputNumber min={1} max={longest} value={minutes} onChange={(value) => setMinutes(value ?? 1)} />
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

function Outcomes({ chosen, onChoose }: { chosen: string | null; onChoose(code: string): void }) {
  const { t, language } = useSpeech();
  const [outcomes, setOutcomes] = useState<Outcome[]>(known ?? []);
  useEffect(() => {
    if (known !== null) return;
    get<{ outcomes: Outcome[] }>("/api/v1/outcomes").then(
      (found) => setOutcomes((known = found.outcomes)),
      () => undefined,
    );
  }, []);
  return (
    <Radio.Group className="outcomes" value={chosen} onChange={(event) => onChoose(String(event.target.value))}>
      <p>{t("form.outcome")}</p>
      {[true, false].map((real) => (
        <div key={String(real)}>
          <h4>{t(real ? "form.true_alarm" : "form.false_alarm")}</h4>
          {outcomes.filter((each) => each.true_alarm === real).map((each) => (
            <Radio key={each.code} value={each.code} data-testid={`outcome-${each.code}`}>
              {each[language]}
            </Radio>
          ))}
        </div>
      ))}
    </Radio.Group>
  );
}
