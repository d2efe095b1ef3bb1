// What rings at the desk of whoever has a case already: a new signal that broke its hold, a rise to P1, one more press of the help button.
// It rings until its owner has heard it: opened the case, said so, or done something in it. What was heard never rings again.
import type { CaseRow } from "./types";

/** A case as its owner last heard of it. `unopened`: this page found it in hand and nobody opened it here; what he had heard elsewhere is not known. */
export interface Heard { held: boolean; priority: number; signals: number; unopened?: boolean }
export type Ring = "hold" | "p1" | "sos";

/** Why a case rings at its owner's desk; null: it does not, or nothing is new to him. */
export function ringOf(row: CaseRow, heard: Heard | undefined): Ring | null {
  if (heard === undefined || row.handling === "HELD") return null;
  if (heard.held && row.handling === "CLAIMED") return "hold";
  if (row.priority === 1 && heard.priority > 1) return "p1";
  return row.family === "sos" && row.signals > heard.signals ? "sos" : null;
}

export function hearingOf(row: CaseRow): Heard {
  return { held: row.handling === "HELD", priority: row.priority, signals: row.signals };
}

/** A case that the page found in hand when it was loaded. */
export function foundInHand(row: CaseRow): Heard {
  return { ...hearingOf(row), unopened: true };
}

/** What is kept of a case after a word of it: what rings waits as it was, anything else is as new as the word. First told of is first heard: he claimed it. */
export function afterWord(row: CaseRow, heard: Heard | undefined): Heard {
  if (heard !== undefined && ringOf(row, heard) !== null) return heard;
  return heard?.unopened === true ? foundInHand(row) : hearingOf(row);
}

const KEY = "shouwang.heard.";

/** What this browser's user had heard before the page was loaded anew. */
export function keptHearing(me: string): Map<string, Heard> {
  try {
    return new Map(JSON.parse(window.localStorage.getItem(KEY + me) ?? "[]") as [string, Heard][]);
  } catch {
    return new Map();
  }
}

export function keepHearing(me: string, heard: ReadonlyMap<string, Heard>): void {
  try {
    window.localStorage.setItem(KEY + me, JSON.stringify([...heard]));
  } catch {
    // A browser that keeps nothing forgets it when the page is loaded anew; until then this page knows.
  }
}
