// How nights and days have been, and what is usual with somebody. Information, never an alarm: a change is for whoever knows the person to ask about.
import { useSpeech } from "./language";
import type { Habits as Known } from "./types";

/** What the nightly learner names, with the unit it is shown in. What is not listed is for detectors, not for people. */
const VITALS = [
  ["usual.heart_rest_bpm", "bpm"], ["usual.heart_low_bpm", "bpm"], ["usual.heart_high_bpm", "bpm"], ["usual.spo2_low_pct", "%"],
  ["usual.body_c", "°C"], ["usual.body_low_c", "°C"], ["usual.skin_high_c", "°C"],
] as const;

export function Habits({ habits }: { habits: Known }) {
  const { t } = useSpeech();
  const mean = (value: number | null): string => (value === null ? t("habits.unknown") : String(value));
  return (
    <section data-testid="habits">
      <h3>
        {t("habits.title")} <small>{t("habits.what")}</small>
      </h3>
      <ul className="lines">
        <li data-testid="habit-nights"><b>{t("habits.nights")}</b> {t("habits.weeks", { now: mean(habits.night_visits), before: mean(habits.night_visits_before) })}</li>
        <li data-testid="habit-days"><b>{t("habits.hours")}</b> {t("habits.weeks", { now: mean(habits.active_hours), before: mean(habits.active_hours_before) })}</li>
        {VITALS.map(([name, unit]) => {
          const found = habits.usual.find((each) => each.name === name);
          return found === undefined ? null : (
            <li key={name} data-testid={name}>
              <b>{t(name)}</b> {Math.round(found.value * 10) / 10} {unit} <small>{t("habits.learned", { days: found.days })}</small>
            </li>
          );
        })}
      </ul>
      {habits.days.length > 0 && (
        <details>
          <summary>{t("habits.each_day")}</summary>
          <ul className="lines small">
            {habits.days.map((each) => (
              <li key={each.day}>
                <time>{each.day}</time> {t("habits.nights")} {mean(each.night_visits)} · {t("habits.hours")} {each.active_hours}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
