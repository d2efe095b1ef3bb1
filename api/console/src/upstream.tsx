// Whether a resident goes out by name to the city's platforms: asked, recorded, withdrawn, with the history.
import { Alert, Button, Input, Select } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import type { UpstreamConsents } from "./types";

export function Upstream({ residentId }: { residentId: string }) {
  const { t, at } = useSpeech();
  const explain = useRefusal();
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState<UpstreamConsents | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [givenBy, setGivenBy] = useState("resident");
  const [giver, setGiver] = useState("");
  const [ground, setGround] = useState("");

  const load = useCallback(() => {
    get<UpstreamConsents>(`/api/v1/residents/${residentId}/upstream-consent`).then(setFound, (error: unknown) => setTrouble(explain(error)));
  }, [residentId]);
  useEffect(() => {
    if (open) load();
  }, [open, load]);

  const record = (agreed: boolean): void => {
    post(`/api/v1/residents/${residentId}/upstream-consent`, { agreed, given_by: givenBy, giver, ground }).then(
      () => {
        setTrouble(null);
        setGround("");
        load();
      },
      (error: unknown) => setTrouble(explain(error)),
    );
  };
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)} data-testid="upstream">
      <summary>{t("upstream.title")}</summary>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {found !== null && (
        <form onSubmit={(event) => { event.preventDefault(); record(!found.agreed); }}>
          <p data-testid="upstream-now"><b>{t(found.agreed ? "upstream.yes" : "upstream.no")}</b></p>
          <Select size="small" value={givenBy} onChange={setGivenBy} options={[{ value: "resident", label: t("consent.resident") }, { value: "guardian", label: t("consent.guardian") }]} aria-label={t("consent.by")} />
          {givenBy === "guardian" && <Input value={giver} onChange={(event) => setGiver(event.target.value)} placeholder={t("consent.giver")} aria-label={t("consent.giver")} />}
          <Input value={ground} onChange={(event) => setGround(event.target.value)} placeholder={t("consent.ground")} aria-label={t("consent.ground")} data-testid="upstream-ground" />
          <Button htmlType="submit" disabled={ground === ""} data-testid="upstream-record">{t(found.agreed ? "upstream.withdraw" : "upstream.agree")}</Button>
        </form>
      )}
      <ul className="lines">
        {found?.history.map((each) => (
          <li key={each.consent_id}>
            <time>{at(each.recorded_at)}</time> {t(each.agreed ? "upstream.yes" : "upstream.no")} · {each.giver || t(each.given_by === "guardian" ? "consent.guardian" : "consent.resident")} · {each.ground} <small>{each.recorded_by}</small>
          </li>
        ))}
      </ul>
    </details>
  );
}
