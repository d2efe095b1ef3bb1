// Server-sent events, read with fetch: EventSource cannot send the access token as a header, and a token in an address ends up in logs.
import { request } from "./session";

/** One connection: hands on each event until the server ends it. Throws where it breaks, is stopped, or has said nothing for `patienceMs`. */
export async function readEvents(path: string, patienceMs: number, stop: AbortSignal, heard: (name: string, data: unknown) => void): Promise<void> {
  const cut = new AbortController();
  const giveUp = (): void => cut.abort();
  stop.addEventListener("abort", giveUp);
  // A connection that says nothing is dead, whatever the browser believes.
  let watchdog = window.setTimeout(giveUp, patienceMs);
  try {
    const answer = await request(path, { signal: cut.signal, headers: { Accept: "text/event-stream" } });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const events = new Events();
    while (reader) {
      const { done, value } = await reader.read();
      if (done) return;
      window.clearTimeout(watchdog);
      watchdog = window.setTimeout(giveUp, patienceMs);
      events.take(value, heard);
    }
  } finally {
    window.clearTimeout(watchdog);
    stop.removeEventListener("abort", giveUp);
    cut.abort();
  }
}

/** Takes events out of the text as it comes. Each piece is looked at once: a snapshot of ten thousand cases comes in hundreds of them. */
class Events {
  private waiting: string[] = [];
  private last = "";

  take(piece: string, heard: (name: string, data: unknown) => void): void {
    // A carriage return at the end may be the first half of a line's end.
    const text = this.last + piece;
    this.last = text.endsWith("\r") ? "\r" : "";
    const lines = text.slice(0, text.length - this.last.length).replaceAll("\r\n", "\n");
    // The gap between two events may lie between two pieces as well.
    const before = this.waiting.at(-1) ?? "";
    const split = before.endsWith("\n") && lines.startsWith("\n");
    if (split) this.waiting[this.waiting.length - 1] = before.slice(0, -1);
    const blocks = (split ? `\n${lines}` : lines).split("\n\n");
    const rest = blocks.pop() ?? "";
    for (const block of blocks) {
      this.waiting.push(block);
      tell(this.waiting.join(""), heard);
      this.waiting = [];
    }
    if (rest !== "") this.waiting.push(rest);
  }
}

function tell(block: string, heard: (name: string, data: unknown) => void): void {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  if (data.length > 0) heard(name, JSON.parse(data.join("\n")));
}
