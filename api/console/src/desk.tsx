// The desk of an operator: header with the state of everything, the queue, and the case in hand.
import { App as AntApp, Button, Input, Modal, Tabs } from "antd";
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { Header } from "./app";
import { CasePanel } from "./case-panel";
import { CoverPage } from "./coverage";
import { type Link, follow } from "./feed";
import { keepHearing, keptHearing } from "./heard";
import { useNow, useSpeech } from "./language";
import { NotTakenBanner } from "./handovers";
import { type Key, KeyList, Keyboard, Keys, useKeyboard } from "./keys";
import { useRenewal } from "./leases";
import { OversightPage } from "./oversight";
import { PaperPage } from "./paper";
import { QueueList } from "./queue-list";
import { LISTS, type List, type Order, type Queue, emptyQueue, inOrder, listOf, nextOf, ownersOf, ringing, sounding, unheard, withCase, withChange, withHealth, withHearing, withSnapshot } from "./queue";
import { useRefusal } from "./refusal";
import { ReportsPage } from "./reports";
import { ResidentsPage } from "./residents";
import { RulesPage } from "./rules";
import { post } from "./session";
import { offersOf, useShift } from "./shift";
import { ShiftBanners, ShiftsPage } from "./shifts";
import { Sounder } from "./sound";
import { Banners, BlindLamp, LinkState, SoundButton, isStale } from "./status";
import { SystemPage } from "./system";
import { Telephone } from "./telephony";
import { ToldPage } from "./told";
import type { CaseAfter, CaseRow, Change, Health, Person, Snapshot } from "./types";
import { VisitsPage } from "./visits";
import { WallPage } from "./wall";
import { WindowsPage } from "./windows";

type Heard =
  | { is: "snapshot"; snapshot: Snapshot }
  | { is: "change"; change: Change }
  | { is: "health"; health: Health }
  /** `renewed`: what the page did by itself. */
  | { is: "done"; row: CaseRow; renewed?: boolean }
  | { is: "heard"; caseId: string };

function hear(queue: Queue, heard: Heard): Queue {
  switch (heard.is) {
    case "snapshot":
      return withSnapshot(queue, heard.snapshot);
    case "change":
      return withChange(queue, heard.change);
    case "health":
      return withHealth(queue, heard.health);
    case "done":
      return heard.renewed === true ? withCase(queue, heard.row) : withHearing(withCase(queue, heard.row), heard.row.case_id);
    case "heard":
      return withHearing(queue, heard.caseId);
  }
}

type Page = "desk" | "residents" | "coverage" | "visits" | "shifts" | "windows" | "oversight" | "wall" | "paper" | "reports" | "told" | "rules" | "system";
const FOR_DESKS: Page[] = ["desk", "residents", "coverage", "visits", "shifts", "windows", "oversight", "wall", "paper"];
/** `/?wall`: a screen at the front of the room, which shows the wall and nothing else. */
const ONLY_WALL = new URLSearchParams(window.location.search).has("wall");
const FOR_SUPERVISORS: Page[] = [...FOR_DESKS, "reports", "told", "rules", "system"];
/** Keys of the case panel, listed while no case is shown. */
const OF_A_CASE = [["1-9", "keys.step"], ["c", "keys.call"], ["n", "keys.note"], ["v", "keys.verify"], ["h", "keys.hold"], ["e", "keys.escalate"], ["d", "keys.dispatch"], ["r", "keys.resolve"]] as const;

export function Desk({ person, onLanguage }: { person: Person; onLanguage(): void }) {
  const { t } = useSpeech();
  const { message } = AntApp.useApp();
  const explain = useRefusal();
  const [queue, dispatch] = useReducer(hear, person.user_name, (me) => emptyQueue(me, keptHearing(me)));
  const [link, setLink] = useState<Link>({ state: "connecting", heardAt: null, offsetMs: 0 });
  const [page, setPage] = useState<Page>("desk");
  const [list, setList] = useState<List>("new");
  const [order, setOrder] = useState<Order>("priority");
  const [chosen, setChosen] = useState<string | null>(null);
  const [help, setHelp] = useState(false);
  const [calls, setCalls] = useState(0);
  const [looked, setLooked] = useState("");
  const [sounder, setSounder] = useState<Sounder | null>(null);
  const now = useNow(link.offsetMs);
  const shift = useShift();
  const offers = useMemo(() => offersOf(shift.now, now), [shift.now, now]);

  useEffect(
    () =>
      follow({
        snapshot: (snapshot) => dispatch({ is: "snapshot", snapshot }),
        change: (change) => dispatch({ is: "change", change }),
        health: (health) => dispatch({ is: "health", health }),
        link: setLink,
      }),
    [],
  );
  useEffect(() => {
    const made = new Sounder();
    setSounder(made);
    return () => made.close();
  }, []);
  // By the clock as well: a socket that says nothing any more is found out by its age.
  const lost = now > 0 && isStale(link);
  useEffect(() => sounder?.demand(sounding(queue, lost)), [sounder, queue, lost]);
  useEffect(() => {
    if (queue.known) keepHearing(queue.me, queue.heard);
  }, [queue.known, queue.me, queue.heard]);
  const rings = useMemo(() => ringing(queue), [queue]);
  const lists = useMemo(() => {
    const found: Record<List, CaseRow[]> = { new: [], mine: [], held: [], others: [] };
    for (const row of inOrder(queue.cases.values(), order)) found[listOf(row, person.user_name)].push(row);
    return found;
  }, [queue.cases, order, person.user_name]);

  useRenewal(
    lists.mine.length > 0, unheard(queue),
    (after) => dispatch({ is: "done", row: after, renewed: true }),
    (error) => void message.error({ content: explain(error), key: "renew" }),
  );
  /** Who opens a case has heard what it rang for. */
  const open = (caseId: string): void => {
    setPage("desk");
    setChosen(caseId);
    dispatch({ is: "heard", caseId });
  };

  const claim = useCallback(
    async (row: CaseRow) => {
      setChosen(row.case_id);
      try {
        const after = await post<CaseAfter>(`/api/v1/cases/${row.case_id}/claim`, { version: row.version });
        dispatch({ is: "done", row: after });
        setList("mine");
      } catch (error) {
        void message.error({ content: explain(error), duration: 6, key: "claim" });
      }
    },
    [message, explain],
  );

  const keyboard = useMemo(() => new Keyboard(), []);
  const owners = useMemo(() => ownersOf(queue.cases.values()), [queue.cases]);
  const first = useMemo(() => nextOf(lists.new, offers, owners, person.user_name), [lists.new, offers, owners, person.user_name]);
  const rung = inOrder(lists.mine.filter((each) => rings.has(each.case_id)), "priority")[0]?.case_id;
  const general: Key[] = [
    { key: "Enter", does: t("keys.enter"), why: first === undefined ? t("queue.none_new") : null, run: () => first !== undefined && void claim(first) },
    ...OF_A_CASE.map(([key, words]): Key => ({ key, does: t(words), why: t("keys.no_case"), run: () => undefined })),
    { key: "t", does: t("keys.telephone"), why: null, run: () => setCalls(calls + 1) },
    {
      key: "m", does: t("keys.mute"), why: sounder === null ? t("sound.failed") : null,
      run: () => (sounder?.state() === "muted" ? sounder.unmute() : sounder?.mute()),
    },
    {
      key: "k", does: t("keys.heard"), why: rung === undefined ? t("keys.none_rings") : null,
      run: () => {
        if (rung === undefined) return;
        setList("mine");
        open(rung);
      },
    },
    { key: "Escape", does: t("keys.escape"), why: null, run: () => setChosen(null) },
    { key: "?", does: t("act.help"), why: null, run: () => setHelp(true) },
  ];
  const part = useRef({});
  keyboard.put(part.current, general, false);
  useKeyboard(keyboard, page === "desk" && !ONLY_WALL);

  const row = chosen === null ? undefined : queue.cases.get(chosen);
  const pages = person.role === "supervisor" ? FOR_SUPERVISORS : FOR_DESKS;
  const beside = row === undefined ? [] : [...queue.cases.values()].filter((each) => each.home_id === row.home_id && each.case_id !== row.case_id);

  if (ONLY_WALL) return <WallPage queue={queue} link={link} now={now} shift={shift.now} />;
  return (
    <Keys.Provider value={keyboard}>
      <Header person={person} onLanguage={onLanguage}>
        <LinkState link={link} health={queue.health}>
          <BlindLamp onOpen={() => setPage("coverage")} />
        </LinkState>
        {sounder !== null && <SoundButton sounder={sounder} />}
        <Button size="small" ghost onClick={() => setHelp(true)} aria-label={t("act.help")}>
          ?
        </Button>
      </Header>
      <nav className="pages">
        {pages.map((each) => (
          <button key={each} className={each === page ? "on" : ""} onClick={() => setPage(each)} data-testid={`nav-${each}`}>
            {t(`nav.${each}`)}
          </button>
        ))}
        <Input
          className="find" size="small" placeholder={t("nav.search")} aria-label={t("nav.search")} data-testid="find"
          onPressEnter={(event) => {
            setLooked(event.currentTarget.value);
            setPage("residents");
          }}
        />
        <button onClick={() => setCalls(calls + 1)} data-testid="telephone" title={t("keys.telephone")}>
          ☎ {t("call.take")} (T)
        </button>
      </nav>
      <Telephone
        dials={row !== undefined && row.desk_id === person.user_name ? row : null} asked={calls} listens={page !== "desk"}
        onOpened={(after) => {
          dispatch({ is: "done", row: after });
          setList(after.desk_id === person.user_name ? "mine" : "others");
          open(after.case_id);
        }}
      >
      <Banners link={link} health={queue.health} />
      <ShiftBanners shift={shift} me={person.user_name} onOpen={() => setPage("shifts")} />
      <NotTakenBanner onOpen={open} />
      {page === "residents" && <ResidentsPage key={looked} looked={looked} />}
      {page === "coverage" && <CoverPage />}
      {page === "visits" && <VisitsPage supervisor={person.role === "supervisor"} />}
      {page === "shifts" && <ShiftsPage shift={shift} person={person} />}
      {page === "oversight" && <OversightPage person={person} />}
      {page === "told" && <ToldPage person={person} />}
      {page === "rules" && <RulesPage />}
      {page === "windows" && <WindowsPage supervises={person.role === "supervisor"} />}
      {page === "paper" && <PaperPage />}
      {page === "reports" && <ReportsPage />}
      {page === "system" && <SystemPage />}
      {page === "wall" && <WallPage queue={queue} link={link} now={now} shift={shift.now} />}
      {page === "desk" && (
        <div className="desk">
          <section className="queue">
            <div className="order">
              <small className="hint">{t("queue.enter")}</small>
              <Button size="small" onClick={() => setOrder(order === "priority" ? "time" : "priority")} data-testid="order">
                {t(order === "priority" ? "queue.by_priority" : "queue.by_time")}
              </Button>
            </div>
            <Tabs
              activeKey={list}
              onChange={(key) => setList(key as List)}
              items={LISTS.map((each) => ({
                key: each,
                label: (
                  <span data-testid={`list-${each}`}>
                    {t(`queue.${each}`)} <b className={(each === "new" && lists.new.length > 0) || (each === "mine" && rings.size > 0) ? "count hot" : "count"}>{lists[each].length}</b>
                  </span>
                ),
              }))}
            />
            <QueueList
              rows={lists[list]} list={list} known={queue.known} me={person.user_name} now={now} chosen={chosen} offers={offers} owners={owners} rings={rings}
              onOpen={(each) => open(each.case_id)} onClaim={(each) => void claim(each)}
            />
          </section>
          <CasePanel
            key={chosen ?? "none"} caseId={chosen} row={row} beside={beside} me={person.user_name} now={now} ring={row === undefined ? null : (rings.get(row.case_id) ?? null)}
            onHeard={(caseId) => dispatch({ is: "heard", caseId })}
            onDone={(done) => dispatch({ is: "done", row: done })} onClaim={(each) => void claim(each)} onClose={() => setChosen(null)}
          />
        </div>
      )}
      </Telephone>
      <Modal open={help} title={t("act.help")} footer={null} onCancel={() => setHelp(false)}>
        {help && <KeyList keyboard={keyboard} />}
      </Modal>
    </Keys.Provider>
  );
}
