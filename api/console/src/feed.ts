// The stream of changes. EventSource cannot send the access token as a header, and a token in an address ends up in logs, so this
// reads the stream with fetch. Every connection begins with a whole snapshot; there is no "since".
import { request } from "./session";
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

  const heard = (name: string, data: string): void => {
    if (name === "end") return;
    const said: unknown = JSON.parse(data);
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

  const readOnce = async (): Promise<void> => {
    const cut = new AbortController();
    const give_up = (): void => cut.abort();
    stop.signal.addEventListener("abort", give_up);
    // A connection that says nothing is dead, whatever the browser believes.
    let watchdog = window.setTimeout(give_up, PATIENCE_MS);
    try {
      const response = await request("/api/v1/stream", { signal: cut.signal, headers: { Accept: "text/event-stream" } });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      if (!reader) return;
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        window.clearTimeout(watchdog);
        watchdog = window.setTimeout(give_up, PATIENCE_MS);
        rest = takeEvents(rest + value.replaceAll("\r\n", "\n"), heard);
      }
    } finally {
      window.clearTimeout(watchdog);
      stop.signal.removeEventListener("abort", give_up);
      cut.abort();
    }
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await readOnce();
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

function takeEvents(text: string, heard: (name: string, data: string) => void): string {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  for (const block of blocks) {
    let name = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) name = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
    }
    if (data.length > 0) heard(name, data.join("\n"));
  }
  return rest;
}
