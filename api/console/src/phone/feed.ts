// A family's feed, read with fetch because EventSource sends no header. Silence means that what is shown is old.
import { request } from "../session";

const PATIENCE_MS = 7_000;
const AGAIN_MS = 1_500;

/** Calls `told` with each event's data until the returned function is called; `lost` when nothing came for a while. */
export function follow(path: string, told: (name: string, data: unknown) => void, lost: () => void): () => void {
  const stop = new AbortController();
  const readOnce = async (): Promise<void> => {
    const cut = new AbortController();
    const end = (): void => cut.abort();
    stop.signal.addEventListener("abort", end);
    let watchdog = window.setTimeout(end, PATIENCE_MS);
    try {
      const answer = await request(path, { signal: cut.signal, headers: { Accept: "text/event-stream" } });
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      while (reader) {
        const { done, value } = await reader.read();
        if (done) return;
        window.clearTimeout(watchdog);
        watchdog = window.setTimeout(end, PATIENCE_MS);
        const blocks = (rest + value.replaceAll("\r\n", "\n")).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const name = /^event: ?(.*)$/m.exec(block)?.[1];
          const data = /^data: ?(.*)$/m.exec(block)?.[1];
          if (name && data) told(name, JSON.parse(data));
        }
      }
    } finally {
      window.clearTimeout(watchdog);
      stop.signal.removeEventListener("abort", end);
      cut.abort();
    }
  };
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await readOnce();
      } catch {
        if (!stop.signal.aborted) lost();
      }
      await new Promise((resolve) => window.setTimeout(resolve, AGAIN_MS));
    }
  };
  void run();
  return () => stop.abort();
}
