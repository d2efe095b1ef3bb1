// A person's record: who, where, whom to call. The same on a case and on the residents' page.
import { useSpeech } from "./language";
import { useDial } from "./telephony";
import type { Contact, HomeRecord, ResidentRecord } from "./types";

export function Phone({ number }: { number: string }) {
  const { t } = useSpeech();
  const dial = useDial();
  if (number === "") return <small>{t("case.no_phone")}</small>;
  return (
    <a className="phone" href={`tel:${number.replace(/[^+\d]/g, "")}`} title={t("act.call")}
      onClick={(event) => {
        if (dial === null) return;
        event.preventDefault();
        dial(number);
      }}
    >
      ☎ {number}
    </a>
  );
}

export function Residents({ residents, concerned }: { residents: ResidentRecord[]; concerned?: string | null }) {
  const { t } = useSpeech();
  return (
    <section data-testid="residents">
      <h3>{t("case.who")}</h3>
      {residents.map((person) => (
        <p key={person.resident_id} className={person.resident_id === concerned ? "concerned" : ""}>
          <b>{person.name}</b> {person.birth_year !== null && <small>{t("case.born", { year: person.birth_year })}</small>} <Phone number={person.phone} />
          {person.note !== "" && <span className="note">{person.note}</span>}
        </p>
      ))}
    </section>
  );
}

export function Where({ home, now }: { home: HomeRecord; now: number }) {
  const { t, at } = useSpeech();
  return (
    <section data-testid="where">
      <h3>{t("case.where")}</h3>
      <p>
        <b>{home.address || home.home_id}</b> <small>{home.home_id} · {t("case.care_level", { level: home.care_level })}</small>
        {home.note !== "" && <span className="note">{home.note}</span>}
      </p>
      {home.away_until !== null && Date.parse(home.away_until) > now && <p className="held">{t("case.away", { until: at(home.away_until) })}</p>}
    </section>
  );
}

export function Contacts({ contacts }: { contacts: Contact[] }) {
  const { t } = useSpeech();
  return (
    <section data-testid="contacts">
      <h3>{t("case.contacts")}</h3>
      {contacts.length === 0 && <p>{t("case.no_contacts")}</p>}
      <ol className="contacts">
        {contacts.map((contact) => (
          <li key={`${contact.rank} ${contact.name} ${contact.phone}`}>
            <b>{contact.name}</b> <small>{contact.relation}</small> <Phone number={contact.phone} />
          </li>
        ))}
      </ol>
    </section>
  );
}
