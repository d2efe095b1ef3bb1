// The operator's activity renews the leases of all that he has in hand, whichever case is shown; one who has left the desk loses them.
import { useEffect, useRef } from "react";
import { get, post } from "./session";
import type { CaseAfter, Leases } from "./types";

const RENEW_MS = 20_000;

/**
 * `holds`: there is something in hand. `unheard`: cases whose lease is let run out (`queue.ts`).
 */
export function useRenewal(holds: boolean, unheard: ReadonlySet<string>, onRenewed: (row: CaseAfter) => void, onError: (error: unknown) => void): void {
  const now = useRef({ unheard, onRenewed, onError });
  now.current = { unheard, onRenewed, onError };
  useEffect(() => {
    if (!holds) return undefined;
    let active = true;
    const note = (): void => {
      active = true;
    };
    const events = ["pointermove", "pointerdown", "keydown", "wheel"] as const;
    for (const name of events) window.addEventListener(name, note, { passive: true });
    const renew = async (): Promise<void> => {
      const { leases } = await get<Leases>("/api/v1/leases");
      const heard = leases.filter((each) => !now.current.unheard.has(each.case_id));
      const renewing = heard.map((each) => post<CaseAfter>(`/api/v1/cases/${each.case_id}/renew`, { lease_id: each.lease_id }));
      // One that is lost keeps no other from being renewed.
      for (const each of await Promise.allSettled(renewing)) {
        if (each.status === "fulfilled") now.current.onRenewed(each.value);
        else now.current.onError(each.reason);
      }
    };
    const timer = window.setInterval(() => {
      if (!active) return;
      active = false;
      renew().catch((error: unknown) => now.current.onError(error));
    }, RENEW_MS);
    return () => {
      window.clearInterval(timer);
      for (const name of events) window.removeEventListener(name, note);
    };
  }, [holds]);
}
