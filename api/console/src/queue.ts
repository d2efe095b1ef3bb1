// The queue as a value: what the stream says goes in, what the page shows comes out. The highest version of a case wins.
import { type Heard, type Ring, afterWord, foundInHand, hearingOf, ringOf } from "./heard";
import type { CaseRow, Change, Health, Offer, Snapshot } from "./types";

/** `held`: what waits for a time of its own, whoever has it: on hold, on the shelf, out of service. */
export type List = "new" | "mine" | "held" | "others";
export const LISTS = ["new", "mine", "held", "others"] as const;
export type Order = "priority" | "time";

export interface Queue {
  /** Whose desk it is. */
  me: string;
  cases: ReadonlyMap<string, CaseRow>;
  /** Versions of cases that have left, so that an older word does not bring them back. */
  left: ReadonlyMap<string, number>;
  /** Cases that this desk has, as it last heard of each. */
  heard: ReadonlyMap<string, Heard>;
  health: Health | null;
  /** False until the first snapshot: nothing is known, and "no cases" may not be said. */
  known: boolean;
}

export function emptyQueue(me: string, heard: ReadonlyMap<string, Heard>): Queue {
  return { me, cases: new Map(), left: new Map(), heard, health: null, known: false };
}

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
  const mine = [...cases.values()].filter((row) => row.desk_id === queue.me);
  const heard = new Map(
    mine.map((row) => {
      const before = queue.heard.get(row.case_id);
      return [row.case_id, before === undefined ? foundInHand(row) : afterWord(row, before)];
    }),
  );
  return { ...queue, cases, left, heard, health: snapshot.health, known: true };
}

export function withChange(queue: Queue, change: Change): Queue {
  const after = withCase(queue, change.case, change.open);
  // Whoever acts in a case has heard it. A lease is renewed by the page, so that says nothing.
  return change.actor === queue.me && change.change !== "renewed" ? withHearing(after, change.case.case_id) : after;
}

/** The owner knows what this case rang for. */
export function withHearing(queue: Queue, caseId: string): Queue {
  const row = queue.cases.get(caseId);
  if (row === undefined || !queue.heard.has(caseId)) return queue;
  return { ...queue, heard: new Map(queue.heard).set(caseId, hearingOf(row)) };
}

export function withCase(queue: Queue, row: CaseRow, open = !FINISHED.has(row.handling)): Queue {
  const known = Math.max(queue.cases.get(row.case_id)?.version ?? 0, queue.left.get(row.case_id) ?? 0);
  if (row.version <= known) return queue;
  const cases = new Map(queue.cases);
  const heard = new Map(queue.heard);
  if (open && row.desk_id === queue.me) heard.set(row.case_id, afterWord(row, heard.get(row.case_id)));
  else heard.delete(row.case_id);
  if (open) {
    cases.set(row.case_id, row);
    const left = new Map(queue.left);
    left.delete(row.case_id);
    return { ...queue, cases, left, heard };
  }
  cases.delete(row.case_id);
  return { ...queue, cases, heard, left: new Map(queue.left).set(row.case_id, row.version) };
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

/** Who has a home already, by another case of it: the one story should stay in one pair of hands. */
export function ownersOf(cases: Iterable<CaseRow>): Map<string, string> {
  const owners = new Map<string, string>();
  for (const row of cases) {
    if (row.desk_id !== null && row.handling !== "SHELVED" && row.handling !== "SUSPENDED") owners.set(row.home_id, row.desk_id);
  }
  return owners;
}

/**
 * What the next free hands take, in whatever order the list is shown: not what the resident is still being asked about, nor, P1 aside, what is being
 * offered to somebody else. The most urgent; of equals first one of a home that this desk has already, and last one of a home that another desk has.
 */
export function nextOf(rows: readonly CaseRow[], offers: ReadonlyMap<string, Offer>, owners: ReadonlyMap<string, string>, me: string): CaseRow | undefined {
  const ours = (row: CaseRow): boolean => row.priority === 1 || (offers.get(row.case_id)?.user_name ?? me) === me;
  const hands = (row: CaseRow): number => {
    const owner = owners.get(row.home_id);
    return owner === me ? 0 : owner === undefined ? 1 : 2;
  };
  const calling = inOrder(rows.filter((row) => SOUNDING.has(row.handling)), "priority");
  const allowed = calling.filter(ours);
  const among = allowed.length > 0 ? allowed : calling;
  // Stable: of equals in the same hands the order above stands.
  return among.filter((row) => row.priority === among[0]?.priority).sort((a, b) => hands(a) - hands(b))[0];
}

/**
 * Where this page, or the way that alarms come, stands still, it sounds as P2 does: nobody is known to be in danger, but nobody would come to know.
 * `lost`: nothing is heard from the server. What is not known yet (no pipeline or canary ever seen) is said in words and does not sound.
 */
function standstills(health: Health | null, lost: boolean): { case_id: string; priority: number }[] {
  const found: string[] = [];
  // What the server said last of the rest is old then.
  if (lost) found.push("link");
  else {
    if (health?.stages.some((stage) => stage.name === "database" && stage.state === "away") === true) found.push("database");
    if (health?.pipeline.state === "standing") found.push("pipeline");
    if (health?.canaries?.state === "late") found.push("canary");
  }
  return found.map((what) => ({ case_id: what, priority: 2 }));
}

/** Cases that call for a person and that nobody has taken, those of this desk that ring again, and what stands still, most urgent first: what the desk sounds. */
export function sounding(queue: Queue, lost: boolean): { case_id: string; priority: number }[] {
  const rings = ringing(queue);
  const rows: { case_id: string; priority: number }[] = [...queue.cases.values()].filter(
    (row) => (SOUNDING.has(row.handling) || rings.has(row.case_id)) && !row.test && row.priority <= 4,
  );
  return [...rows, ...standstills(queue.health, lost)].sort((a, b) => a.priority - b.priority);
}

/** Cases in hand that activity may not renew, for their owner may not know of them: their lease runs out, and they go back to where everybody hears them. */
export function unheard(queue: Queue): Set<string> {
  return new Set([...ringing(queue).keys(), ...[...queue.heard].filter(([, heard]) => heard.unopened === true).map(([caseId]) => caseId)]);
}

/** What rings at this desk in cases that it has, by case. */
export function ringing(queue: Queue): Map<string, Ring> {
  const found = new Map<string, Ring>();
  for (const [caseId, heard] of queue.heard) {
    const row = queue.cases.get(caseId);
    const ring = row === undefined ? null : ringOf(row, heard);
    if (ring !== null) found.set(caseId, ring);
  }
  return found;
}
