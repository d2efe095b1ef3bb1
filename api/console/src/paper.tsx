// Lists to print for the day the system is down. The head of each table is printed on every page: when it was made, and by whom.
import { Alert, Button, Input } from "antd";
import { useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { download, get } from "./session";
import type { Contact, PaperCase, PaperCases, PaperHome, PaperHomes, PaperPerson } from "./types";

/** More homes than this are for the file (CSV): a browser prints no city. */
const MOST_HOMES = 5_000;
const AT_ONCE = 500;

interface Sheet { made: string; by: string; area: string; cases: PaperCase[] | null; homes: PaperHome[] | null; cut: boolean }

export function PaperPage() {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [sheet, setSheet] = useState<Sheet | null>(null);
  const [area, setArea] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const make = async (what: () => Promise<Sheet | null>): Promise<void> => {
    setBusy(true);
    try {
      const made = await what();
      if (made !== null) setSheet(made);
      setTrouble(null);
    } catch (error) {
      setTrouble(explain(error));
    }
    setBusy(false);
  };

  const cases = async (): Promise<Sheet> => {
    const found: PaperCase[] = [];
    for (;;) {
      const page = await get<PaperCases>(`/api/v1/paper/open-cases?${new URLSearchParams({ limit: String(AT_ONCE), offset: String(found.length) })}`);
      found.push(...page.cases);
      if (!page.more || found.length >= MOST_HOMES) return { made: page.made_at, by: page.made_by, area: page.area, cases: found, homes: null, cut: page.more };
    }
  };
  const homes = async (): Promise<Sheet> => {
    const found: PaperHome[] = [];
    let after = "";
    for (;;) {
      const page: PaperHomes = await get<PaperHomes>(`/api/v1/paper/residents?${new URLSearchParams({ area, after, limit: String(AT_ONCE) })}`);
      found.push(...page.homes);
      if (page.next_after === null || found.length >= MOST_HOMES) {
        return { made: page.made_at, by: page.made_by, area: page.area, cases: null, homes: found, cut: page.next_after !== null };
      }
      after = page.next_after;
    }
  };

  return (
    <main className="system report" data-testid="paper-page">
      <p className="no-print">{t("paper.what")}</p>
      <div className="bar no-print">
        <Button loading={busy} onClick={() => void make(cases)} data-testid="paper-cases">{t("paper.cases")}</Button>
        <Input className="short" value={area} onChange={(event) => setArea(event.target.value)} placeholder={t("cover.area")} aria-label={t("cover.area")} />
        <Button loading={busy} onClick={() => void make(homes)} data-testid="paper-homes">{t("paper.homes")}</Button>
        <Button
          onClick={() => void make(async () => {
            await download(`/api/v1/paper/residents.csv?${new URLSearchParams({ area })}`, "residents.csv");
            return null;
          })}
          data-testid="paper-csv"
        >CSV</Button>
        <Button type="primary" disabled={sheet === null} onClick={() => window.print()} data-testid="paper-print">{t("report.print")}</Button>
      </div>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {sheet?.cut === true && <Alert type="warning" title={t("paper.cut", { count: MOST_HOMES })} data-testid="paper-cut" />}
      {sheet !== null && (
        <table className="sheet" data-testid="sheet">
          <thead>
            <tr>
              <th colSpan={4}>
                {t(sheet.cases === null ? "paper.homes" : "paper.cases")} · {sheet.area || t("cover.all")} · {t("paper.made", { at: new Date(sheet.made).toLocaleString(), by: sheet.by })} ·{" "}
                {(sheet.cases ?? sheet.homes ?? []).length}
              </th>
            </tr>
            <tr>
              <th>{t(sheet.cases === null ? "paper.home" : "paper.case")}</th>
              <th>{t("case.who")}</th>
              <th>{t("case.where")}</th>
              <th>{t("case.contacts")}</th>
            </tr>
          </thead>
          <tbody>
            {sheet.cases?.map((each) => (
              <tr key={each.case_id}>
                <td><CaseCell row={each} at={at(each.raised_at)} /></td>
                <td><People people={each.residents} />{each.calls.map((number) => <div key={number}>☎ {number}</div>)}</td>
                <td><b>{each.address ?? t("case.unregistered", { home: each.home_id })}</b><div>{each.note}</div><Door home={each} /></td>
                <td><Whom contacts={each.contacts} /></td>
              </tr>
            ))}
            {sheet.homes?.map((each) => (
              <tr key={each.home_id}>
                <td>{each.home_id}<div>{t("case.care_level", { level: each.care_level })}</div><div>{each.area_code}</div></td>
                <td><People people={each.residents} /></td>
                <td><b>{each.address}</b><div>{each.note}</div><Door home={each} /></td>
                <td><Whom contacts={each.contacts} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </main>
  );
}

function CaseCell({ row, at }: { row: PaperCase; at: string }) {
  const { word } = useSpeech();
  return (
    <>
      <b>P{row.priority} {word("family", row.family)}</b>
      <div>{at} · {word("handling", row.handling)}{row.desk_id !== null && ` · ${row.desk_id}`}</div>
      <div>{row.home_id}</div>
    </>
  );
}

function People({ people }: { people: PaperPerson[] }) {
  return people.map((each) => (
    <div key={each.resident_id}>
      <b>{each.name}</b> {each.birth_year} {each.phone} {each.note}
      <State person={each} />
    </div>
  ));
}

/** What must be known before anybody goes in; what nobody wrote down has no line. */
function State({ person }: { person: PaperPerson }) {
  const { t, word } = useSpeech();
  const said = [person.conditions, person.mobility === null ? null : word("mobility", person.mobility), person.dialect, person.oxygen === true ? t("card.oxygen") : null];
  const words = said.filter((each) => each !== null && each !== "");
  return words.length === 0 ? null : <div>{words.join(" · ")}</div>;
}

function Door({ home }: { home: Pick<PaperHome, "key_at" | "pets"> }) {
  const { t } = useSpeech();
  return (
    <>
      {home.key_at !== null && home.key_at !== "" && <div>{t("card.key_at")}: {home.key_at}</div>}
      {home.pets !== null && home.pets !== "" && <div>{t("card.pets")}: {home.pets}</div>}
    </>
  );
}

function Whom({ contacts }: { contacts: Contact[] }) {
  return contacts.map((each) => (
    <div key={`${each.rank} ${each.name} ${each.phone}`}>{each.rank}. {each.name} {each.relation} {each.phone}</div>
  ));
}
