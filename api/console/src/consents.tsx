// Who may see what of a resident: read to them scope by scope, recorded as they said it, with the history.
import { Alert, Button, Checkbox, Input, Select } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import type { Consents as Found } from "./types";

export function Consents({ residentId }: { residentId: string }) {
  const { t, at, language } = useSpeech();
  const explain = useRefusal();
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState<Found | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [who, setWho] = useState("");
  const [scopes, setScopes] = useState<string[]>([]);
  const [givenBy, setGivenBy] = useState("resident");
  const [giver, setGiver] = useState("");
  const [ground, setGround] = useState("");

  const load = useCallback(() => {
    get<Found>(`/api/v1/residents/${residentId}/consents`).then(setFound, (error: unknown) => setTrouble(explain(error)));
  }, [residentId]);
  useEffect(() => {
    if (open) load();
  }, [open, load]);

  const choose = (userName: string): void => {
    setWho(userName);
    setScopes(found?.now.find((each) => each.user_name === userName)?.scopes ?? []);
  };
  const record = (said: string[]): void => {
    post(`/api/v1/residents/${residentId}/consents`, { user_name: who, scopes: said, given_by: givenBy, giver, ground }).then(
      () => {
        setTrouble(null);
        setGround("");
        load();
      },
      (error: unknown) => setTrouble(explain(error)),
    );
  };
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)} data-testid="consents">
      <summary>{t("consent.title")}</summary>
      {trouble !== null && <Alert type="error" title={trouble} />}
      <ul className="lines">
        {found?.now.map((each) => (
          <li key={each.user_name}>
            <b>{each.display_name || each.user_name}</b> {each.scopes.length === 0 ? t("consent.nothing") : found.scopes.filter((one) => each.scopes.includes(one.scope)).map((one) => one[language]).join(language === "zh" ? "；" : "; ")}{" "}
            <Button size="small" onClick={() => choose(each.user_name)}>{t("consent.change")}</Button>
          </li>
        ))}
      </ul>
      {found !== null && (
        <form onSubmit={(event) => { event.preventDefault(); record(scopes); }}>
          <Input value={who} onChange={(event) => choose(event.target.value)} placeholder={t("consent.who")} aria-label={t("consent.who")} data-testid="consent-who" />
          {found.scopes.map((each) => (
            <div key={each.scope}>
              <Checkbox checked={scopes.includes(each.scope)} onChange={(event) => setScopes((all) => (event.target.checked ? [...all, each.scope] : all.filter((one) => one !== each.scope)))}>
                {each[language]}
              </Checkbox>
            </div>
          ))}
          <Button size="small" onClick={() => setScopes(found.scopes.filter((each) => each.emergency).map((each) => each.scope))} data-testid="consent-emergency">{t("consent.emergency")}</Button>
          <Select size="small" value={givenBy} onChange={setGivenBy} options={[{ value: "resident", label: t("consent.resident") }, { value: "guardian", label: t("consent.guardian") }]} aria-label={t("consent.by")} />
          {givenBy === "guardian" && <Input value={giver} onChange={(event) => setGiver(event.target.value)} placeholder={t("consent.giver")} aria-label={t("consent.giver")} />}
          <Input value={ground} onChange={(event) => setGround(event.target.value)} placeholder={t("consent.ground")} aria-label={t("consent.ground")} data-testid="consent-ground" />
          <Button htmlType="submit" type="primary" disabled={who === "" || ground === ""} data-testid="consent-record">{t("consent.record")}</Button>{" "}
          <Button danger disabled={who === "" || ground === ""} onClick={() => record([])}>{t("consent.withdraw")}</Button>
        </form>
      )}
      <ul className="lines">
        {found?.history.map((each) => (
          <li key={each.consent_id}>
            <time>{at(each.recorded_at)}</time> {each.user_name}: {each.scopes.length === 0 ? t("consent.nothing") : each.scopes.join(", ")} · {each.giver || t(each.given_by === "guardian" ? "consent.guardian" : "consent.resident")} · {each.ground} <small>{each.recorded_by}</small>
          </li>
        ))}
      </ul>
    </details>
  );
}
