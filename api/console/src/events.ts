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
    let rest = "";
    while (reader) {
      const { done, value } = await reader.read();
      if (done) return;
      window.clearTimeout(watchdog);
      watchdog = window.setTimeout(giveUp, patienceMs);
      rest = takeEvents(rest + value.replaceAll("\r\n", "\n"), heard);
    }
  } finally {
    window.clearTimeout(watchdog);
    stop.removeEventListener("abort", giveUp);
    cut.abort();
  }
}

function takeEvents(text: string, heard: (name: string, data: unknown) => void): string {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  for (const block of blocks) {
    let name = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) name = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
    }
    if (data.length > 0) heard(name, JSON.parse(data.join("\n")));
  }
  return rest;
}
