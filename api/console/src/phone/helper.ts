// A helper's page: where I am needed, what I said about it, whom to visit this week, and my hours.
import { Refused, get, post } from "../session";
import type { HelperPage, Task, VisitDue } from "../types";
import { h, show } from "./dom";
import { t, time, word } from "./words";

const RENEW_MS = 5_000;
const RESULTS = ["well", "helped", "handed_over", "needs_more", "not_met"] as const;
const VISITED = ["well", "needs_more", "not_met"] as const;
const MINUTES = [15, 30, 45, 60, 90] as const;

/** Fills `main` until the returned function is called. */
export function helper(main: HTMLElement): () => void {
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const tasks = h("section", { "aria-live": "polite" });
  const visits = h("section", {});
  const hours = h("section", {});
  show(main, h("h1", {}, t("help.tasks")), trouble, tasks, h("h1", {}, t("visit.title")), visits, h("h1", {}, t("hours.title")), hours);
  let seen = "";

  const fail = (error: unknown): void => {
    trouble.hidden = false;
    trouble.textContent = error instanceof Refused && error.problem.status !== 0 ? error.problem.detail : t("app.offline");
  };
  const act = (path: string, body: object): void => {
    post(path, body).then(() => {
      seen = "";
      read();
    }, fail);
  };
  const choice = <Each extends string>(id: string, group: string, every: readonly Each[]): HTMLSelectElement =>
    h("select", { id }, ...every.map((each) => h("option", { value: each }, word(group, each))));

  const task = (each: Task, now: string): HTMLElement => {
    const step = (state: string) => (): void => act(`/api/v1/helper/tasks/${each.case_id}`, { state });
    const result = choice(`result-${each.case_id}`, "result", RESULTS);
    const note = h("input", { id: `note-${each.case_id}`, maxlength: "300" });
    const button = (state: string, name: string): HTMLElement => h("button", { type: "button", class: state === "declined" ? "danger" : "big", click: step(state), "data-testid": `to-${state}` }, name);
    return h("article", { class: "alert", "data-testid": "task", "data-state": each.state },
      h("h2", {}, word("family", each.family)),
      h("p", {}, each.address), h("p", {}, each.residents.join(", ")), each.home_note !== "" && h("p", {}, each.home_note),
      each.key_at !== null && each.key_at !== "" && h("p", {}, t("help.key_at", { where: each.key_at })), each.pets !== null && each.pets !== "" && h("p", {}, t("help.pets", { what: each.pets })),
      each.arrived_at === null && h("p", { class: each.late ? "trouble" : "" }, t("help.arrive_by", { until: time(each.arrive_by, now) }), each.late && ` · ${t("help.late")}`),
      each.state === "asked" && button("accepted", t("help.accept")),
      each.state === "asked" && button("declined", t("help.decline")),
      each.state === "accepted" && button("on_way", t("help.on_way")),
      (each.state === "accepted" || each.state === "on_way") && button("arrived", t("help.arrived")),
      each.state === "arrived" && h("form", { submit: (event) => {
        event.preventDefault();
        act(`/api/v1/helper/tasks/${each.case_id}`, { state: "left", result: result.value, note: note.value });
      } }, h("label", { for: result.id }, t("help.result")), result, h("label", { for: note.id }, t("help.note")), note, h("button", { class: "big", "data-testid": "to-left" }, t("help.left"))),
    );
  };

  const visit = (each: VisitDue, now: string): HTMLElement => {
    const id = each.resident_id;
    const how = choice(`how-${id}`, "visit", ["door", "phone"] as const);
    const result = choice(`visited-${id}`, "result", VISITED);
    const minutes = h("select", { id: `minutes-${id}` }, ...MINUTES.map((many) => h("option", { value: String(many) }, t("visit.minutes", { minutes: String(many) }))));
    const note = h("input", { id: `said-${id}`, maxlength: "300" });
    const report = (event: Event): void => {
      event.preventDefault();
      act("/api/v1/helper/visits", { resident_id: id, how: how.value, result: result.value, minutes: Number(minutes.value), note: note.value });
    };
    return h("article", { class: each.overdue ? "alert" : "", "data-testid": "visit", "data-overdue": String(each.overdue), "data-resident": id },
      h("h2", {}, each.name), h("p", {}, each.address),
      h("p", {}, each.overdue ? `▲ ${t("visit.overdue")} · ` : "", each.last_at === null ? t("visit.never") : t("visit.due", { until: time(each.due_at, now) })),
      h("details", {}, h("summary", {}, t("visit.report")), h("form", { submit: report },
        h("label", { for: how.id }, t("visit.how")), how, h("label", { for: result.id }, t("help.result")), result,
        h("label", { for: minutes.id }, t("visit.how_long")), minutes, h("label", { for: note.id }, t("help.note")), note,
        h("button", { class: "big", "data-testid": "report-visit" }, t("visit.report")))),
    );
  };

  function read(): void {
    get<HelperPage>("/api/v1/helper").then((page) => {
      trouble.hidden = true;
      // Only what changed is drawn anew, so that nothing is wiped out while somebody writes.
      const now = JSON.stringify([page.tasks, page.visits, page.hours]);
      if (now === seen) return;
      seen = now;
      show(tasks, ...(page.tasks.length === 0 ? [h("p", {}, t("help.none"))] : page.tasks.map((each) => task(each, page.now))));
      show(visits, ...(page.visits.length === 0 ? [h("p", {}, t("help.none"))] : page.visits.map((each) => visit(each, page.now))));
      show(hours, h("p", { "data-testid": "hours" }, t("hours.total", { hours: page.hours.toFixed(2) })));
    }, fail);
  }

  read();
  const timer = window.setInterval(read, RENEW_MS);
  return () => window.clearInterval(timer);
}
