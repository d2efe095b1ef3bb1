// A person's record: who, where, whom to call. The same on a case and on the residents' page.
import type { ReactNode } from "react";
import { telephone } from "./dial";
import { useSpeech } from "./language";
import { useDial } from "./telephony";
import type { TextKey } from "./texts";
import type { Contact, HomeRecord, ResidentRecord } from "./types";

/** A number that one click rings up. `onCall`: then somebody is to say how it went. */
export function Phone({ number, onCall }: { number: string; onCall?: (() => void) | undefined }) {
  const { t } = useSpeech();
  const dial = useDial();
  if (number === "") return <small>{t("case.no_phone")}</small>;
  return (
    <a className="phone" href={telephone(number)} title={t("act.call")}
      onClick={(event) => {
        onCall?.();
        if (dial === null) return;
        event.preventDefault();
        dial(number);
      }}
    >
      ☎ {number}
    </a>
  );
}

interface Calls<Person> {
  /** A case is in hand, so calls are written down. */
  onCall?: ((person: Person) => void) | undefined;
  /** What came of earlier calls. */
  tried?: (person: Person) => ReactNode;
}

/** What must be known before anybody goes in. What nobody wrote down is said to be so: an empty place would read as "none". */
function Card({ facts }: { facts: readonly (readonly [TextKey, string | null, boolean?])[] }) {
  const { t } = useSpeech();
  return (
    <span className="card-facts">
      {facts.map(([name, said, warns]) => (
        <span key={name} className={warns === true ? "warns" : !said ? "faded" : ""} data-testid={name}>
          <i>{t(name)}</i> {said || t("card.unknown")}
        </span>
      ))}
    </span>
  );
}

export function Residents({ residents, concerned, onCall, tried }: { residents: ResidentRecord[]; concerned?: string | null } & Calls<ResidentRecord>) {
  const { t, word } = useSpeech();
  const year = new Date().getFullYear();
  return (
    <section data-testid="residents">
      <h3>{t("case.who")}</h3>
      {residents.map((person) => (
        <p key={person.resident_id} className={person.resident_id === concerned ? "concerned" : ""}>
          <b>{person.name}</b> {person.birth_year !== null && <small>{t("card.age", { age: year - person.birth_year })} · {t("case.born", { year: person.birth_year })}</small>} <Phone number={person.phone} onCall={onCall && (() => onCall(person))} /> {tried?.(person)}
          <Card facts={[
            ["card.conditions", person.conditions],
            ["card.mobility", person.mobility === null ? null : word("mobility", person.mobility)],
            ["card.dialect", person.dialect],
            ["card.oxygen", person.oxygen === null ? null : t(person.oxygen ? "card.yes" : "card.none"), person.oxygen === true],
          ]} />
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
        <Card facts={[["card.key_at", home.key_at], ["card.pets", home.pets]]} />
        {home.note !== "" && <span className="note">{home.note}</span>}
      </p>
      {home.away_until !== null && Date.parse(home.away_until) > now && <p className="held">{t("case.away", { until: at(home.away_until) })}</p>}
    </section>
  );
}

export function Contacts({ contacts, onCall, tried }: { contacts: Contact[] } & Calls<Contact>) {
  const { t } = useSpeech();
  return (
    <section data-testid="contacts">
      <h3>{t("case.contacts")}</h3>
      {contacts.length === 0 && <p>{t("case.no_contacts")}</p>}
      <ol className="contacts">
        {contacts.map((contact) => (
          <li key={contact.contact_id}>
            <b>{contact.name}</b> <small>{contact.relation}</small> <Phone number={contact.phone} onCall={onCall && (() => onCall(contact))} /> {tried?.(contact)}
          </li>
        ))}
      </ol>
    </section>
  );
}
