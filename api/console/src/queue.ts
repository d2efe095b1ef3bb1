// The queue as a value: what the stream says goes in, what the page shows comes out. The highest version of a case wins.
import type { CaseRow, Change, Health, Offer, Snapshot } from "./types";

/** `held`: what waits for a time of its own, whoever has it: on hold, on the shelf, out of service. */
export type List = "new" | "mine" | "held" | "others";
export const LISTS = ["new", "mine", "held", "others"] as const;
export type Order = "priority" | "time";

export interface Queue {
  cases: ReadonlyMap<string, CaseRow>;
  /** Versions of cases that have left, so that an older word does not bring them back. */
  left: ReadonlyMap<string, number>;
  health: Health | null;
  /** False until the first snapshot: nothing is known, and "no cases" may not be said. */
  known: boolean;
}

export const EMPTY: Queue = { cases: new Map(), left: new Map(), health: null, known: false };
export const WAITS_UNTIL: ReadonlySet<string> = new Set(["HELD", "SHELVED", "SUSPENDED"]);
const WAITING = new Set(["RAISED", "ASKING", "QUEUED"]);
/** What calls for a person: it sounds until somebody has it. */
const SOUNDING = new Set(["RAISED", "QUEUED"]);
const FINISHED = new Set(["RESOLVED", "CLOSED", "MERGED", "TEST"]);

export function withSnapshot(queue: Queue, snapshot: Snapshot): Queue {
  // What this desk has just done may be newer than a snapshot that was read before it.
  const cases = new Map<string, CaseRow>();
  for (const row of snapshot.cases) {
    const known = queue.cases.get(row.case_id);
    const gone = queue.left.get(row.case_id);
    if (gone !== undefined && gone >= row.version) continue;
    cases.set(row.case_id, known !== undefined && known.version > row.version ? known : row);
  }
  // The server tells no older word after a snapshot, so what has left long ago need not be remembered for ever.
  const left = queue.left.size > 500 ? new Map<string, number>() : queue.left;
  return { cases, left, health: snapshot.health, known: true };
}

export function withChange(queue: Queue, change: Change): Queue {
  return withCase(queue, change.case, change.open);
}

export function withCase(queue: Queue, row: CaseRow, open = !FINISHED.has(row.handling)): Queue {
  const known = Math.max(queue.cases.get(row.case_id)?.version ?? 0, queue.left.get(row.case_id) ?? 0);
  if (row.version <= known) return queue;
  const cases = new Map(queue.cases);
  if (open) {
    cases.set(row.case_id, row);
    const left = new Map(queue.left);
    left.delete(row.case_id);
    return { ...queue, cases, left };
  }
  cases.delete(row.case_id);
  return { ...queue, cases, left: new Map(queue.left).set(row.case_id, row.version) };
}

export function withHealth(queue: Queue, health: Health): Queue {
  return { ...queue, health };
}

export function listOf(row: CaseRow, me: string): List {
  if (WAITING.has(row.handling)) return "new";
  if (WAITS_UNTIL.has(row.handling)) return "held";
  return row.desk_id === me ? "mine" : "others";
}

/** What a row is sorted by. Kept with the row: of ten thousand each change would read all instants anew. */
const places = new WeakMap<CaseRow, { returned: number; deadline: number; raised: number }>();

function placeOf(row: CaseRow) {
  let place = places.get(row);
  if (place === undefined) {
    const returned = row.handling === "QUEUED" && row.former_desk_id !== null ? 0 : 1;
    places.set(row, (place = { returned, deadline: instant(row.deadline_at), raised: instant(row.raised_at) }));
  }
  return place;
}

/** Priority, then what came back to the queue, then deadline; or by time alone. The same order as GET /api/v1/cases. */
export function inOrder(rows: Iterable<CaseRow>, order: Order): CaseRow[] {
  const sorted = [...rows];
  return sorted.sort((a, b) => {
    const [first, second] = [placeOf(a), placeOf(b)];
    if (order === "priority") {
      const difference = a.priority - b.priority || first.returned - second.returned || first.deadline - second.deadline;
      if (difference !== 0) return difference;
    }
    return first.raised - second.raised || (a.case_id < b.case_id ? -1 : 1);
  });
}

function instant(at: string | null): number {
  return at === null ? Number.MAX_SAFE_INTEGER : Date.parse(at);
}

/** What the next free hands take: not what the resident is still being asked about, nor, P1 aside, what is being offered to somebody else. */
export function nextOf(rows: CaseRow[], offers: ReadonlyMap<string, Offer>, me: string): CaseRow | undefined {
  const ours = (row: CaseRow): boolean => row.priority === 1 || (offers.get(row.case_id)?.user_name ?? me) === me;
  const calling = rows.filter((row) => SOUNDING.has(row.handling));
  return calling.find(ours) ?? calling[0];
}

/** A canary that is late sounds as P2 does: nobody is known to be in danger, but of a partition nobody would come to know. */
const CANARY = { case_id: "canary", priority: 2 };

/** Cases that call for a person and that nobody has taken, and a canary that is late, most urgent first: what the desk sounds. */
export function sounding(queue: Queue): { case_id: string; priority: number }[] {
  const rows: { case_id: string; priority: number }[] = [...queue.cases.values()].filter((row) => SOUNDING.has(row.handling) && !row.test && row.priority <= 4);
  if (queue.health?.canaries?.state === "late") rows.push(CANARY);
  return rows.sort((a, b) => a.priority - b.priority);
}
