// The words of the console: one table (texts.json), a row for each key with both languages.
import table from "./texts.json";

export type Language = "zh" | "en";
export type TextKey = keyof typeof table;
export type Values = Record<string, string | number>;

const rows: Record<string, { zh: string; en: string } | undefined> = table;

/** The text of a key with its values filled in. */
export function say(key: TextKey, language: Language, values: Values = {}): string {
  return fill(table[key][language], values);
}

/** The text of a key that came from the server; one that the table does not know is shown as it came, never hidden. */
export function sayWord(group: string, word: string, language: Language): string {
  return rows[`${group}.${word}`]?.[language] ?? word;
}

function fill(template: string, values: Values): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A duration in one unit, rounded down: people act on it, they do not calculate with it. */
export function duration(seconds: number, language: Language): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 100) return say("time.s", language, { n: s });
  if (s < 5400) return say("time.min", language, { n: Math.floor(s / 60) });
  if (s < 172_800) return say("time.h", language, { n: Math.floor(s / 3600) });
  return say("time.d", language, { n: Math.floor(s / 86_400) });
}

/** A countdown as m:ss, with + when it is overdue. */
export function countdown(seconds: number): string {
  const left = Math.floor(Math.abs(seconds));
  const text = left >= 3600
    ? `${Math.floor(left / 3600)}:${pad(Math.floor((left % 3600) / 60))}:${pad(left % 60)}`
    : `${Math.floor(left / 60)}:${pad(left % 60)}`;
  return seconds < 0 ? `+${text}` : text;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** An instant on the desk's own wall: the time of day, with the date where it is not today. */
export function clockTime(at: string, language: Language, now: number): string {
  const instant = new Date(at);
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  const today = instant.toDateString() === new Date(now).toDateString();
  return instant.toLocaleString(locale, today ? time : { month: "numeric", day: "numeric", ...time });
}
