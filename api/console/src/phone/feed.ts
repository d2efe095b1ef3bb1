// A family's feed. Silence means that what is shown is old.
import { readEvents } from "../events";

const PATIENCE_MS = 7_000;
const AGAIN_MS = 1_500;

/** Calls `told` with each event's data until the returned function is called; `lost` when nothing came for a while. */
export function follow(path: string, told: (name: string, data: unknown) => void, lost: () => void): () => void {
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await readEvents(path, PATIENCE_MS, stop.signal, told);
      } catch {
        if (!stop.signal.aborted) lost();
      }
      await new Promise((resolve) => window.setTimeout(resolve, AGAIN_MS));
    }
  };
  void run();
  return () => stop.abort();
}
