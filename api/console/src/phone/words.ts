// The words of the telephone's page: its own small table, both languages in a row.
import table from "./texts.json";

export type Key = keyof typeof table;
export type Language = "zh" | "en";
const KEPT = "shouwang.language";
const rows: Record<string, { zh: string; en: string } | undefined> = table;

export let language: Language = kept();

function kept(): Language {
  try {
    return localStorage.getItem(KEPT) === "en" ? "en" : "zh";
  } catch {
    return "zh";
  }
}

export function speak(chosen: Language): void {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // private windows keep nothing
  }
}

export function t(key: Key, values: Record<string, string> = {}): string {
  return table[key][language].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** A word that came from the server; one that the table does not know is shown as it came. */
export function word(group: string, said: string): string {
  return rows[`${group}.${said}`]?.[language] ?? said;
}

const locale = (): string => (language === "zh" ? "zh-CN" : "en-GB");

/** The time of day, with the date where it is not the same day as `now`. */
export function time(at: string, now: string): string {
  const instant = new Date(at);
  const clock: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hour12: false };
  const today = instant.toDateString() === new Date(now).toDateString();
  return instant.toLocaleString(locale(), today ? clock : { month: "numeric", day: "numeric", ...clock });
}
