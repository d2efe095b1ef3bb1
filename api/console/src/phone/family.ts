// A family's page: one word that never lies, the day, an open alert and who is on it, and what only a family knows.
import { Refused, get, post, request } from "../session";
import type { KinContacts, Day, HomeNotices, OpenAlert, Questions, Relative, Relatives, Way } from "../types";
import { h, show } from "./dom";
import { follow } from "./feed";
import { push } from "./push";
import { language, t, time, word } from "./words";

const ASK_MS = 5_000;
const DAY_MS = 60_000;
const MARKS: Record<string, string> = { well: "●", somebody: "○", quiet: "◆", alert: "▲", cannot_see: "✕" };
const ANSWERS = ["well", "help", "unsure"] as const;
const HOURS = [1, 3, 6, 24, 72] as const;

const of = (relative: Relative, what = ""): string => `/api/v1/family/relatives/${relative.resident_id}${what}`;
const send = (method: string, path: string, body?: object): Promise<Response> =>
  request(path, { method, ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }) });

/** Fills `main` until the returned function is called. */
export function family(main: HTMLElement): () => void {
  const asked = h("div", {});
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const cards = h("div", { "aria-live": "polite" });
  const more = h("div", {});
  const told = h("div", {});
  show(main, trouble, asked, cards, more, told);
  let known: Relatives | null = null;
  let lost = false;
  let shown = "";
  const days = new Map<string, Day>();

  const fail = (error: unknown): void => {
    trouble.hidden = false;
    trouble.textContent = error instanceof Refused && error.problem.status !== 0 ? error.problem.detail : t("app.offline");
  };
  const act = (done: Promise<unknown>, after: () => void = () => undefined): void => {
    done.then(() => {
      trouble.hidden = true;
      after();
    }, fail);
  };

  const draw = (): void => {
    if (known === null) return show(cards, h("p", {}, lost ? t("app.offline") : t("app.reading")));
    const { relatives, now } = known;
    if (relatives.length === 0) return show(cards, h("p", {}, t("relative.none")));
    show(cards, ...relatives.map((relative) => card(relative, now)));
  };

  const card = (relative: Relative, now: string): HTMLElement => {
    const said = lost ? "cannot_see" : relative.word;
    const day = days.get(relative.resident_id);
    return h("article", { class: said ?? "", "data-testid": "relative", "data-word": said ?? "", "data-resident": relative.resident_id },
      h("h2", {}, relative.name),
      said !== null && h("p", { class: "word" }, `${MARKS[said] ?? ""} ${word("relative", said)}`),
      lost ? h("p", {}, t("app.offline")) : relative.said !== null && h("p", {}, relative.said[language]),
      relative.cannot_see_since !== null && h("p", {}, t("relative.since", { since: time(relative.cannot_see_since, relative.home_now ?? now) })),
      said !== null && h("p", { class: "small" }, `${t(said === "somebody" ? "relative.last_here" : "relative.last")}: ${relative.last_sign_at === null ? t("relative.no_sign") : time(relative.last_sign_at, relative.home_now ?? now)}`),
      relative.away_until !== null && h("p", { "data-testid": "away" }, t("relative.away", { until: time(relative.away_until, relative.home_now ?? now) })),
      relative.visitor_until !== null && h("p", {}, t("relative.visitor", { until: time(relative.visitor_until, relative.home_now ?? now) })),
      ...relative.alerts.map((each) => alert(each, now)),
      day !== undefined && line(day),
    );
  };

  const alert = (each: OpenAlert, now: string): HTMLElement =>
    h("section", { "data-testid": "alert" },
      h("h3", {}, `${word("family", each.family)} · ${time(each.raised_at, now)}`),
      h("p", {}, each.handler !== null ? t("alert.handler", { name: each.handler }) : t(each.taken ? "alert.taken" : "alert.waiting")),
      each.address !== null && h("p", {}, each.address),
      each.going.length > 0 && h("p", {}, t("alert.going", { names: each.going.join(", ") })),
      h("button", { type: "button", class: each.i_go ? "" : "big", "data-testid": "going", click: () => act(post(`/api/v1/family/alerts/${each.case_id}/going`, { going: !each.i_go })) },
        t(each.i_go ? "alert.not_i" : "alert.i_go")),
    );

  const line = (day: Day): HTMLElement =>
    h("section", { "data-testid": "day" },
      h("h3", {}, t("day.title")),
      day.moments.length === 0 && h("p", { class: "small" }, t("day.nothing")),
      h("ol", {}, ...day.moments.map((each) => h("li", {}, `${time(each.at, day.home_now)}  ${word("day", each.what)}`))),
      !day.whole && h("p", { class: "small" }, t("day.gaps")),
    );

  /** Forms stand apart from what changes by itself, so that nothing is wiped out while somebody writes. */
  const forms = (relatives: Relative[]): void => {
    const can = JSON.stringify(relatives.map((each) => [each.resident_id, each.scopes]));
    if (can === shown) return;
    shown = can;
    if (relatives.some((each) => each.scopes.includes("told"))) push(told, fail);
    else show(told);
    show(more, ...relatives.map((relative) => h("div", { "data-testid": "more" },
      relative.scopes.includes("away") && notices(relative),
      relative.scopes.includes("contacts") && contacts(relative),
      relative.scopes.includes("told") && way(relative),
    )));
  };

  const lazily = (title: string, name: string, fill: (box: HTMLElement) => void): HTMLElement => {
    const box = h("div", {});
    return h("details", { "data-testid": name, toggle: (event) => (event.target as HTMLDetailsElement).open && fill(box) }, h("summary", {}, title), box);
  };

  const notices = (relative: Relative): HTMLElement => lazily(`${relative.name}: ${t("notice.title")}`, "notices", (box) => {
    const again = (): void => act(get<HomeNotices>(of(relative, "/notices")).then((found) => {
      const kind = h("select", { id: `kind-${relative.resident_id}` }, ...(["away", "visitor"] as const).map((each) => h("option", { value: each }, t(`notice.${each}`))));
      const hours = h("select", { id: `hours-${relative.resident_id}` }, ...HOURS.map((each) => h("option", { value: String(each) }, t("notice.hours", { hours: String(each) }))));
      const everybody = h("input", { type: "checkbox", id: `all-${relative.resident_id}`, style: "width:28px;min-height:28px;vertical-align:middle" });
      const give = (event: Event): void => {
        event.preventDefault();
        const until_at = new Date(Date.parse(found.home_now) + Number(hours.value) * 3_600_000).toISOString();
        act(post(of(relative, "/notices"), { kind: kind.value, until_at, everybody: everybody.checked }), again);
      };
      show(box,
        h("ul", {}, ...found.notices.map((each) => h("li", {}, `${t(`notice.${each.kind}`)}: ${time(each.until_at, found.home_now)} `,
          h("button", { type: "button", class: "danger", click: () => act(send("DELETE", of(relative, `/notices/${each.notice_id}`)), again) }, t("notice.cancel"))))),
        h("form", { submit: give },
          h("label", { for: kind.id }, t("notice.what")), kind, h("label", { for: hours.id }, t("notice.how_long")), hours,
          h("label", { for: everybody.id }, everybody, ` ${t("notice.everybody")}`),
          h("button", { class: "big", "data-testid": "give-notice" }, t("notice.give"))),
        h("p", { class: "small" }, t("notice.what_it_does")),
      );
    }));
    again();
  });

  const contacts = (relative: Relative): HTMLElement => lazily(`${relative.name}: ${t("contact.title")}`, "contacts", (box) => {
    const again = (): void => act(get<KinContacts>(of(relative, "/contacts")).then((found) => {
      const id = relative.resident_id;
      const field = (name: string, kind = "text"): HTMLInputElement => h("input", { id: `${name}-${id}`, type: kind, maxlength: "60", required: name !== "relation" });
      const [name, phone, relation] = [field("contact"), field("phone", "tel"), field("relation")] as const;
      const add = (event: Event): void => {
        event.preventDefault();
        act(send("PUT", of(relative, "/contacts"), { name: name.value, phone: phone.value, relation: relation.value, rank: found.contacts.length + 1 }), again);
      };
      show(box,
        h("ol", {}, ...found.contacts.map((each) => h("li", {}, `${each.name} ${each.relation} ${each.phone} `,
          h("button", { type: "button", class: "danger", click: () => act(send("DELETE", of(relative, `/contacts/${each.contact_id}`)), again) }, t("contact.drop"))))),
        h("form", { submit: add }, h("label", { for: name.id }, t("contact.name")), name, h("label", { for: phone.id }, t("contact.phone")), phone,
          h("label", { for: relation.id }, t("contact.relation")), relation, h("button", { class: "big" }, t("contact.add"))),
      );
    }));
    again();
  });

  const way = (relative: Relative): HTMLElement => lazily(`${relative.name}: ${t("way.title")}`, "way", (box) => {
    const again = (): void => act(get<Way>(of(relative, "/way")).then((found) => {
      if (found.offered.length === 0) return show(box, h("p", {}, t("way.none")));
      const kind = h("select", { id: `way-${relative.resident_id}` }, ...found.offered.map((each) => h("option", { value: each, selected: each === found.way }, word("way", each))));
      const reach = h("input", { id: `reach-${relative.resident_id}`, required: true, maxlength: "80", value: found.reach ?? "", "data-testid": "reach" });
      const choose = (event: Event): void => {
        event.preventDefault();
        act(send("PUT", of(relative, "/way"), { way: kind.value, reach: reach.value }), again);
      };
      show(box,
        h("p", { "data-testid": "way-now" }, found.way === null ? t("way.not_yet") : t("way.now", { way: word("way", found.way), reach: found.reach ?? "" })),
        h("form", { submit: choose }, h("label", { for: kind.id }, t("way.how")), kind, h("label", { for: reach.id }, t("way.reach")), reach,
          h("button", { class: "big", "data-testid": "choose-way" }, t("way.choose"))),
        found.way !== null && h("button", { type: "button", class: "danger", click: () => act(send("DELETE", of(relative, "/way")), again) }, t("way.drop")),
        h("p", { class: "small" }, t("way.what_it_does")),
      );
    }));
    again();
  });

  const ask = (): void => {
    get<Questions>("/api/v1/family/questions").then((found) => show(asked, ...found.questions.map((each) =>
      h("article", { class: "alert", "data-testid": "question" }, h("h2", {}, each.name), h("p", {}, each.said[language]),
        h("p", { class: "small" }, t("ask.until", { until: time(each.until, found.now) })),
        ...ANSWERS.map((said) => h("button", {
          type: "button", class: said === "help" ? "danger" : "", "data-testid": `answer-${said}`,
          click: () => act(post(`/api/v1/family/questions/${each.question_id}/answer`, { answer: said }), ask),
        }, t(`ask.${said}`)))))), () => undefined);
  };

  const read = (): void => {
    for (const relative of known?.relatives ?? []) {
      if (!relative.scopes.includes("day")) days.delete(relative.resident_id);
      else get<Day>(of(relative, "/day")).then((day) => {
        days.set(relative.resident_id, day);
        draw();
      }, () => days.delete(relative.resident_id));
    }
  };

  const stop = follow("/api/v1/family/stream", (name, data) => {
    lost = false;
    if (name !== "relatives") return;
    const first = known === null;
    known = data as Relatives;
    draw();
    forms(known.relatives);
    if (first) read();
  }, () => {
    lost = true;
    draw();
  });
  draw();
  ask();
  const timers = [window.setInterval(ask, ASK_MS), window.setInterval(read, DAY_MS)];
  return () => {
    stop();
    timers.forEach((timer) => window.clearInterval(timer));
  };
}
