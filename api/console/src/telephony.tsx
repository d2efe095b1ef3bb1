// The telephone: who rings, a case from a call, whose call it was, and numbers that the site's telephone system dials.
import { Alert, App as AntApp, Button, type ButtonProps, type GetRef, Input, Modal, Radio } from "antd";
import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import type { CallsOfCase, Callers, CaseAfter, CaseRow, OpenedCase, ResidentPage, Ringing, RingingCall } from "./types";

const ASK_MS = 2_000;
/** Where no telephone system is set up: asked now and then, for it may be. */
const SELDOM_MS = 60_000;
const WAIT_MS = 250;
const FAMILIES = ["sos", "fall", "no_life", "smoke", "gas", "co", "stove", "water", "wandering", "vitals", "food"] as const;

/** Rings a number up by the site's telephone system; null: the link of the page dials. */
const Dial = createContext<((number: string) => void) | null>(null);
export const useDial = () => useContext(Dial);

/** Not `randomUUID`: a browser gives that to pages by TLS alone. */
function requestId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join("");
}

function useRinging(): [Ringing | null, () => void] {
  const [found, setFound] = useState<Ringing | null>(null);
  const [turn, setTurn] = useState(0);
  const everyMs = found?.rings ? ASK_MS : SELDOM_MS;
  useEffect(() => {
    let over = false;
    // The page's own banner says when nothing comes.
    const ask = (): void => void get<Ringing>("/api/v1/telephony/ringing").then((now) => !over && setFound(now), () => undefined);
    ask();
    const timer = window.setInterval(ask, everyMs);
    return () => {
      over = true;
      window.clearInterval(timer);
    };
  }, [everyMs, turn]);
  return [found, useCallback(() => setTurn((before) => before + 1), [])];
}

interface Home { home_id: string; resident_id: string | null; title: string; small: string }

/** Homes by number, name or address. `null` while it is not known yet. */
function useHomes(words: string): Home[] | null {
  const { t, word } = useSpeech();
  const [homes, setHomes] = useState<Home[] | null>([]);
  useEffect(() => {
    const stop = new AbortController();
    const asked = words.trim();
    if (asked.length < 2) {
      setHomes([]);
      return undefined;
    }
    setHomes(null);
    const timer = window.setTimeout(() => {
      const isNumber = /^[-+\d\s().]{5,}$/.test(asked);
      const looked = isNumber
        ? get<Callers>(`/api/v1/telephony/callers?${new URLSearchParams({ number: asked })}`, stop.signal).then((found) =>
            found.callers.map((each) => ({
              home_id: each.home_id, resident_id: each.matches[0]?.resident_id ?? null, title: each.residents.map((one) => one.name).join("、") || each.home_id,
              small: [
                each.address, ...each.matches.filter((one) => one.resident_id === null).map((one) => `☎ ${one.name} ${one.relation}`), each.note,
                ...each.open_cases.map((one) => t("call.open", { family: word("family", one.family), who: one.desk_id ?? t("call.nobody") })),
              ].filter((part) => part !== "").join(" · "),
            })))
        : get<ResidentPage>(`/api/v1/residents?${new URLSearchParams({ q: asked, limit: "8" })}`, stop.signal).then((found) =>
            found.residents.map((each) => ({ home_id: each.home_id, resident_id: each.resident_id, title: each.name, small: `${each.address} ${each.home_id}` })));
      looked.then(setHomes, () => !stop.signal.aborted && setHomes([]));
    }, WAIT_MS);
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
    // A change of language must not look once more: each look is in the audit.
  }, [words]);
  return homes;
}

/** Candidates to choose from; the only one is chosen by itself. `""`: nobody knows whose number it is. */
function Homes({ homes, chosen, unknown, onChoose }: { homes: Home[] | null; chosen: string | null; unknown: boolean; onChoose(key: string): void }) {
  const { t } = useSpeech();
  if (homes === null) return <p className="small">{t("call.looking")}</p>;
  return (
    <Radio.Group className="homes" value={chosen} onChange={(event) => onChoose(String(event.target.value))}>
      {homes.map((each) => (
        <Radio key={keyOf(each)} value={keyOf(each)} data-testid={`call-home-${each.home_id}`}>
          <b>{each.title}</b> <small>{each.small}</small>
        </Radio>
      ))}
      {unknown && (
        <Radio value="" data-testid="call-unknown">
          {t("call.unknown")}
        </Radio>
      )}
    </Radio.Group>
  );
}

const keyOf = (home: Home): string => `${home.home_id} ${home.resident_id ?? ""}`;

interface Around {
  /** The case in hand, about which may be dialled. */
  dials: CaseRow | null;
  /** How often the form was asked for, by the button or the desk's keyboard. */
  asked: number;
  /** Whether the key is its own: on pages that have no keyboard else. */
  listens: boolean;
  onOpened(row: CaseAfter): void;
  children: React.ReactNode;
}

/** The banner of calls, the form, and what dials: around the desk's pages. */
export function Telephone({ dials, asked, listens, onOpened, children }: Around) {
  const { t, at } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [ringing, again] = useRinging();
  const [call, setCall] = useState<RingingCall | "new" | null>(null);
  const calls = ringing?.calls ?? [];
  const first = calls[0];

  useEffect(() => {
    if (!listens) return undefined;
    const pressed = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const busy = target.closest("input, textarea, select, [role=dialog]") !== null || document.querySelector(".ant-modal-wrap:not([style*='display: none'])") !== null;
      if (busy || event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.key.toLowerCase() !== "t") return;
      event.preventDefault();
      setCall(first ?? "new");
    };
    window.addEventListener("keydown", pressed, true);
    return () => window.removeEventListener("keydown", pressed, true);
  }, [first, listens]);

  useEffect(() => {
    if (asked > 0) setCall(first ?? "new");
    // Only who asks opens it; another call that rings meanwhile opens nothing.
  }, [asked]);

  const dial = useCallback(
    (number: string): void => {
      if (dials === null) return;
      post("/api/v1/telephony/dial", { case_id: dials.case_id, number }).then(
        () => void message.success({ content: t("call.dialling", { number }), key: "dial" }),
        (error: unknown) => void message.error({ content: explain(error), duration: 6, key: "dial" }),
      );
    },
    [dials?.case_id, message, explain, t],
  );

  return (
    <Dial.Provider value={ringing?.dials && dials !== null ? dial : null}>
      {calls.map((each) => (
        <Alert
          key={each.call_id} type="warning" banner className="banner" data-testid="ringing"
          title={
            <>
              ☎ {t(each.answered_at === null ? "call.rings" : "call.answered", { at: at(each.rang_at) })} <b>{each.number || t("call.withheld")}</b> {each.names.join("、")} {each.address}
              {each.home_id === null && t("call.unknown_number")} {each.seat !== null && `(${each.seat})`}
            </>
          }
          action={<RingActs call={each} onTake={() => setCall(each)} onDone={again} />}
        />
      ))}
      {children}
      <CallForm
        call={call} onClose={() => setCall(null)}
        onOpened={(found) => {
          setCall(null);
          again();
          onOpened(found);
        }}
      />
    </Dial.Provider>
  );
}

function RingActs({ call, onTake, onDone }: { call: RingingCall; onTake(): void; onDone(): void }) {
  const { t } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [why, setWhy] = useState<string | null>(null);
  const aside = (): void => {
    post(`/api/v1/telephony/calls/${call.call_id}/aside`, { note: why ?? "" }).then(onDone, (error: unknown) => {
      void message.error({ content: explain(error), key: "aside" });
      onDone();
    });
  };
  return (
    <span className="acts">
      <Button size="small" type="primary" onClick={onTake} data-testid="ring-take">
        {t("call.take")} (T)
      </Button>
      {why === null ? (
        <Button size="small" onClick={() => setWhy("")} data-testid="ring-aside">
          {t("call.aside")}
        </Button>
      ) : (
        <>
          <Input size="small" autoFocus value={why} onChange={(event) => setWhy(event.target.value)} onPressEnter={() => why.trim() !== "" && aside()} placeholder={t("call.why")} aria-label={t("call.why")} data-testid="aside-why" />
          <Button size="small" disabled={why.trim() === ""} onClick={aside} data-testid="aside-do">
            {t("act.confirm")}
          </Button>
        </>
      )}
    </span>
  );
}

function CallForm({ call, onClose, onOpened }: { call: RingingCall | "new" | null; onClose(): void; onOpened(row: CaseAfter): void }) {
  const { t, word } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const ring = call === "new" ? null : call;
  const [number, setNumber] = useState("");
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [family, setFamily] = useState<string>("sos");
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState(false);
  const request = useRef("");
  const field = useRef<GetRef<typeof Input>>(null);
  const homes = useHomes(call === null ? "" : search || number);

  useEffect(() => {
    if (call === null) return;
    request.current = requestId();
    setNumber(ring?.number ?? "");
    setSearch("");
    setFamily("sos");
    setWords("");
  }, [call]);
  useEffect(() => {
    const only = homes?.length === 1 ? homes[0] : undefined;
    setChosen(only === undefined ? (homes?.length === 0 && search === "" ? "" : null) : keyOf(only));
  }, [homes, search]);

  const ready = call !== null && chosen !== null && homes !== null;
  const send = async (): Promise<void> => {
    if (!ready || busy) return;
    setBusy(true);
    const home = homes.find((each) => keyOf(each) === chosen);
    try {
      const found = await post<OpenedCase>("/api/v1/telephony/cases", {
        request_id: request.current, call_id: ring?.call_id ?? null, number, home_id: home?.home_id ?? null, resident_id: home?.resident_id ?? null, family, words,
      });
      const who = found.case.desk_id ?? t("call.nobody");
      void message.success({ content: t(found.repeated || found.joined ? "call.joined" : "call.opened", { who }), duration: 6, key: "call" });
      onOpened(found.case);
    } catch (error) {
      // The same request id next time: had it been opened after all, that one comes back.
      void message.error({ content: explain(error), duration: 6, key: "call" });
    }
    setBusy(false);
  };

  return (
    <Modal
      open={call !== null} title={t("call.title")} onCancel={onClose} onOk={() => void send()} destroyOnHidden width={640} closable={false} mask={{ closable: false }}
      afterOpenChange={(open) => open && field.current?.focus()} okText={t("call.do")} cancelText={t("act.cancel")}
      okButtonProps={{ disabled: !ready, "data-testid": "call-do" } as ButtonProps} confirmLoading={busy}
    >
      <form
        onKeyDown={(event) => {
          if (event.key === "Enter" && event.ctrlKey) void send();
        }}
        onSubmit={(event) => event.preventDefault()}
      >
        <label className="field">
          {t("call.number")}
          <Input ref={field} value={number} disabled={ring !== null && ring.number !== ""} onChange={(event) => setNumber(event.target.value)} data-testid="call-number" inputMode="tel" autoComplete="off" />
        </label>
        <label className="field">
          {t("call.search")}
          <Input value={search} onChange={(event) => setSearch(event.target.value)} data-testid="call-search" autoComplete="off" />
        </label>
        <Homes homes={homes} chosen={chosen} unknown onChoose={setChosen} />
        <div className="field">{t("call.family")}</div>
        <Radio.Group className="outcomes" value={family} onChange={(event) => setFamily(String(event.target.value))} aria-label={t("call.family")}>
          {FAMILIES.map((each) => (
            <Radio key={each} value={each} data-testid={`call-family-${each}`}>
              {word("family", each)}
            </Radio>
          ))}
        </Radio.Group>
        <label className="field">
          {t("call.words")}
          <Input.TextArea value={words} rows={2} maxLength={2000} onChange={(event) => setWords(event.target.value)} data-testid="call-words" />
        </label>
        <small>{t("call.hint")}</small>
      </form>
    </Modal>
  );
}

/** Who rang about a case and who was rung up; of a stranger's call, whose it was. */
export function Calls({ caseId, version, lease, onDone }: { caseId: string; version: number; lease: string | null; onDone(row: CaseAfter): void }) {
  const { t, at, word } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [found, setFound] = useState<CallsOfCase | null>(null);
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const homes = useHomes(words);
  useEffect(() => {
    const stop = new AbortController();
    get<CallsOfCase>(`/api/v1/cases/${caseId}/calls`, stop.signal).then(setFound, () => undefined);
    return () => stop.abort();
  }, [caseId, version]);
  useEffect(() => setChosen(homes?.length === 1 && homes[0] !== undefined ? keyOf(homes[0]) : null), [homes]);

  const tie = (): void => {
    const home = homes?.find((each) => keyOf(each) === chosen);
    if (home === undefined) return;
    post<CaseAfter>(`/api/v1/cases/${caseId}/home`, { version, lease_id: lease, home_id: home.home_id, resident_id: home.resident_id }).then(onDone, (error: unknown) => {
      void message.error({ content: explain(error), duration: 6, key: "tie" });
    });
  };
  if (found === null || (found.calls.length === 0 && found.dials.length === 0 && !found.stranger)) return null;
  return (
    <section data-testid="calls">
      <h3>{t("call.calls")}</h3>
      <ul className="lines">
        {found.calls.map((each) => (
          <li key={each.rang_at}>
            <time>{at(each.rang_at)}</time> ☎ <b>{each.number || t("call.withheld")}</b> {each.taken_by ?? t("call.missed")}
          </li>
        ))}
        {found.dials.map((each) => (
          <li key={each.asked_at}>
            <time>{at(each.asked_at)}</time> → <b>{each.number}</b> {each.asked_by} {each.result !== null && word("dial", each.result)}
          </li>
        ))}
      </ul>
      {found.stranger && lease !== null && (
        <>
          <Alert type="warning" showIcon title={t("call.stranger")} />
          <Input value={words} onChange={(event) => setWords(event.target.value)} placeholder={t("people.search")} aria-label={t("people.search")} data-testid="tie-search" />
          <Homes homes={homes} chosen={chosen} unknown={false} onChoose={setChosen} />
          <Button disabled={chosen === null} onClick={tie} data-testid="tie-do">
            {t("call.tie")}
          </Button>
        </>
      )}
    </section>
  );
}
