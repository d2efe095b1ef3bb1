// The shift as this page knows it. Asking is also how a desk says that it is there: one that asks no more is empty after 90 s.
import { useCallback, useEffect, useState } from "react";
import { get, post } from "./session";
import type { Offer, ShiftNow } from "./types";

const ASK_MS = 4_000;

export interface Shift {
  /** Null until the first answer: nothing is known then, and nothing is said. */
  now: ShiftNow | null;
  again(): void;
}

export function useShift(): Shift {
  const [now, setNow] = useState<ShiftNow | null>(null);
  const [turn, setTurn] = useState(0);
  const seated = now?.mine != null;
  useEffect(() => {
    let over = false;
    const ask = (): void => {
      (seated ? post<ShiftNow>("/api/v1/shift/here", {}) : get<ShiftNow>("/api/v1/shift")).then(
        (found) => {
          if (!over) setNow(found);
        },
        // The page's own banner says that nothing comes; what is shown stays, and the server decides who is on duty.
        () => undefined,
      );
    };
    ask();
    const timer = window.setInterval(ask, ASK_MS);
    return () => {
      over = true;
      window.clearInterval(timer);
    };
  }, [seated, turn]);
  return { now, again: useCallback(() => setTurn((before) => before + 1), []) };
}

/** Offers by case that still stand at this moment (server's clock, epoch ms). */
export function offersOf(shift: ShiftNow | null, nowMs: number): Map<string, Offer> {
  const standing = (shift?.offers ?? []).filter((offer) => Date.parse(offer.until_at) > nowMs);
  return new Map(standing.map((offer) => [offer.case_id, offer]));
}
