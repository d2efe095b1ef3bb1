// Who is logged in. The access token lives in this module's memory only; the refresh token is a cookie that no script can read.
import type { Person, Problem, Session } from "./types";

const PATH = "/api/v1/session";
const EARLY_MS = 60_000;
const LEAVING_MS = 2_000;

/** The server refused, or could not be reached (status 0, code `network`). */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

let current: { token: string; renewAt: number; person: Person } | null = null;
let renewing: Promise<Person | null> | null = null;
let onEnd: () => void = () => undefined;

/** Called when the session is over and only a new log-in helps. */
export function whenSessionEnds(listener: () => void): void {
  onEnd = listener;
}

function keep(session: Session): Person {
  const life = Date.parse(session.expires_at) - Date.parse(session.now);
  // By this desk's own count of time since now: its clock may be wrong.
  current = { token: session.access_token, renewAt: performance.now() + Math.max(life - EARLY_MS, life / 2), person: session.user };
  return session.user;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { credentials: "same-origin", cache: "no-store", ...init });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new Refused({ title: "", status: 0, code: "network", detail: String(cause), held_by: null, version: null, handling: null });
  }
}

async function refusal(response: Response): Promise<Refused> {
  const empty = { title: response.statusText, status: response.status, code: `http_${response.status}`, detail: response.statusText, held_by: null, version: null, handling: null };
  try {
    return new Refused({ ...empty, ...((await response.json()) as Partial<Problem>) });
  } catch {
    return new Refused(empty);
  }
}

export async function logIn(userName: string, password: string): Promise<Person> {
  const body = JSON.stringify({ user_name: userName, password });
  const response = await send(PATH, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  if (!response.ok) throw await refusal(response);
  return keep((await response.json()) as Session);
}

/** A new access token from the cookie; null when there is no session. Several callers at once share one request. */
export function resume(): Promise<Person | null> {
  renewing ??= (async () => {
    try {
      const response = await send(`${PATH}/refresh`, { method: "POST" });
      if (response.ok) return keep((await response.json()) as Session);
      if (response.status !== 401) throw await refusal(response);
      current = null;
      return null;
    } finally {
      renewing = null;
    }
  })();
  return renewing;
}

/** Who is logged in here. */
export function myName(): string | null {
  return current?.person.user_name ?? null;
}

/** Whether who is logged in may change what is a supervisor's; the server decides. */
export function isSupervisor(): boolean {
  return current?.person.role === "supervisor";
}

export async function logOut(): Promise<void> {
  // Who goes leaves his desk, and his cases go on at once instead of after a minute and a half. A server that does not answer keeps nobody here.
  if (current?.person.role === "operator" || current?.person.role === "supervisor") {
    await request("/api/v1/shift/sign-off", { method: "POST", signal: AbortSignal.timeout(LEAVING_MS) }).catch(() => undefined);
  }
  current = null;
  await send(PATH, { method: "DELETE" }).catch(() => undefined);
  onEnd();
}

async function token(): Promise<string> {
  if (current === null || performance.now() > current.renewAt) {
    if ((await resume()) === null) {
      onEnd();
      throw new Refused({ title: "", status: 401, code: "not_logged_in", detail: "", held_by: null, version: null, handling: null });
    }
  }
  return current?.token ?? "";
}

/** A request with the access token; once more with a fresh one if the server has ended it early. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const headers = { ...(init.headers as Record<string, string> | undefined), Authorization: `Bearer ${await token()}` };
    const response = await send(path, { ...init, headers });
    if (response.ok) return response;
    const refused = await refusal(response);
    if (refused.problem.status !== 401 || attempt > 0) throw refused;
    current = null;
  }
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, signal ? { signal } : {})).json()) as T;
}

export async function post<T>(path: string, body: object): Promise<T> {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await (await request(path, init)).json()) as T;
}

export async function remove(path: string): Promise<void> {
  await request(path, { method: "DELETE" });
}

export async function put(path: string, body: object): Promise<void> {
  await request(path, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** Save an answer as a file of this name. */
export async function download(path: string, name: string): Promise<void> {
  const address = URL.createObjectURL(await (await request(path)).blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
