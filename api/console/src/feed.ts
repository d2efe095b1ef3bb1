// The stream of changes. Every connection begins with a whole snapshot; there is no "since".
import { readEvents } from "./events";
import type { Change, Health, Snapshot } from "./types";

export interface Listener {
  snapshot(snapshot: Snapshot): void;
  change(change: Change): void;
  health(health: Health): void;
  link(link: Link): void;
}

export interface Link {
  state: "connecting" | "live" | "lost";
  /** performance.now() of the last word from the server. */
  heardAt: number | null;
  /** The server's clock minus this desk's, ms: countdowns must not depend on the desk's clock. */
  offsetMs: number;
}

const PATIENCE_MS = 6_000;
const FIRST_WAIT_MS = 300;
const MOST_WAIT_MS = 5_000;

/** Keep a stream open until the returned function is called. */
export function follow(listener: Listener): () => void {
  const stop = new AbortController();
  let link: Link = { state: "connecting", heardAt: null, offsetMs: 0 };
  let wait = FIRST_WAIT_MS;

  const tell = (next: Partial<Link>): void => {
    link = { ...link, ...next };
    listener.link(link);
  };

  const heard = (name: string, said: unknown): void => {
    if (name === "case") {
      listener.change(said as Change);
    } else if (name === "snapshot" || name === "heartbeat") {
      const { now } = said as { now: string };
      if (name === "snapshot") listener.snapshot(said as Snapshot);
      else listener.health(said as Health);
      tell({ state: "live", heardAt: performance.now(), offsetMs: Date.parse(now) - Date.now() });
      wait = FIRST_WAIT_MS;
      return;
    } else return;
    tell({ state: "live", heardAt: performance.now() });
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await readEvents("/api/v1/stream", PATIENCE_MS, stop.signal, heard);
      } catch {
        // Whatever it was, the page says that it is not live, and tries again. An ended session takes the page away.
      }
      if (stop.signal.aborted) return;
      // A stream that the server ended in order comes back at once and is no lost connection; the page says "lost" after a second.
      window.setTimeout(() => {
        if (link.heardAt === null || performance.now() - link.heardAt > 1_000) tell({ state: "lost" });
      }, 1_000);
      await new Promise((resolve) => window.setTimeout(resolve, wait * (0.5 + Math.random())));
      wait = Math.min(wait * 2, MOST_WAIT_MS);
    }
  };

  void run();
  return () => stop.abort();
}
