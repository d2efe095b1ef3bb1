// Who may go to a case, who was asked, and how far each is. Read when it is opened, and again when the case changes.
import { Alert, Button } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { Phone } from "./record";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import type { HelpersOfCase } from "./types";

export function Helpers({ caseId, version }: { caseId: string; version: number }) {
  const { t, word, at } = useSpeech();
  const explain = useRefusal();
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState<HelpersOfCase | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  const load = useCallback(() => {
    get<HelpersOfCase>(`/api/v1/cases/${caseId}/helpers`).then(setFound, (error: unknown) => setTrouble(explain(error)));
  }, [caseId]);
  useEffect(() => {
    if (open) load();
  }, [open, load, version]);

  const ask = (userName: string): void => {
    post(`/api/v1/cases/${caseId}/helpers`, { user_name: userName }).then(load, (error: unknown) => setTrouble(explain(error)));
  };
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)} data-testid="helpers">
      <summary>{t("helper.title")}</summary>
      {trouble !== null && <Alert type="error" title={trouble} />}
      <ul className="lines">
        {found?.responses.map((each) => (
          <li key={each.user_name}>
            <b>{each.display_name || each.user_name}</b> {word("step", each.state)} {each.late && <b className="hot">{t("helper.late")}</b>}{" "}
            <small>{t("helper.arrive_by", { until: at(each.arrive_by) })}</small> {each.result !== null && word("result", each.result)} {each.note}
          </li>
        ))}
      </ul>
      <ul className="lines">
        {found?.near.filter((each) => each.state === null || each.state === "declined").map((each) => (
          <li key={each.user_name}>
            <b>{each.display_name || each.user_name}</b> {word("helper", each.kind)} {each.busy > 0 && t("helper.busy")} <Phone number={each.phone} />{" "}
            <Button size="small" onClick={() => ask(each.user_name)} data-testid={`ask-${each.user_name}`}>
              {t("helper.ask")}
            </Button>
          </li>
        ))}
      </ul>
      {found?.near.length === 0 && <p>{t("helper.none")}</p>}
    </details>
  );
}
