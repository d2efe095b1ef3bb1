// The script of this kind of alarm, numbered as the keys are; what was done is written at once and stays with the case.
import { useSpeech } from "./language";
import type { ScriptStep, StepDone } from "./types";

interface Props {
  script: readonly ScriptStep[];
  done: readonly StepDone[];
  /** Only who has the case ticks. */
  mine: boolean;
  onTick(code: string, done: boolean): void;
}

export function Script({ script, done, mine, onTick }: Props) {
  const { t, language, at } = useSpeech();
  if (script.length === 0) return null;
  return (
    <section data-testid="script">
      <h3>{t("case.script")}</h3>
      <ol className="script">
        {script.map((step) => {
          const made = done.find((each) => each.code === step.code);
          return (
            <li key={step.code}>
              <button role="checkbox" aria-checked={made !== undefined} aria-disabled={!mine} data-testid={`tick-${step.code}`} onClick={() => mine && onTick(step.code, made === undefined)}>
                <span className="box">{made === undefined ? "☐" : "☑"}</span> {step[language]}
                {step.required && " *"}
              </button>
              {made !== undefined && (
                <small>
                  {made.actor} {at(made.at)}
                </small>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
