// A resident's need: groups that the rules name, the assessments behind the care level, visits. A supervisor changes them.
import { Alert, Button, Checkbox, Input, InputNumber } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, isSupervisor, post, put } from "./session";
import type { Needs as Found } from "./types";

export const GROUPS = ["alone", "empty_nest", "left_behind", "disabled", "severely_handicapped", "bereaved"] as const;

export function Needs({ residentId }: { residentId: string }) {
  const { t, word, at } = useSpeech();
  const explain = useRefusal();
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState<Found | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [groups, setGroups] = useState<string[]>([]);
  const [level, setLevel] = useState<number | null>(null);
  const [day, setDay] = useState("");
  const [assessor, setAssessor] = useState("");
  const [paper, setPaper] = useState("");
  const mayChange = isSupervisor();

  const load = useCallback(() => {
    get<Found>(`/api/v1/residents/${residentId}/needs`).then(
      (needs) => {
        setFound(needs);
        setGroups(needs.groups);
      },
      (error: unknown) => setTrouble(explain(error)),
    );
  }, [residentId]);
  useEffect(() => {
    if (open) load();
  }, [open, load]);

  const act = (done: Promise<unknown>): void => {
    done.then(
      () => {
        setTrouble(null);
        setLevel(null);
        load();
      },
      (error: unknown) => setTrouble(explain(error)),
    );
  };
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)} data-testid="needs">
      <summary>{t("needs.title")}</summary>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {found !== null && (
        <>
          <p data-testid="needs-now">
            <b>{t("case.care_level", { level: found.care_level })}</b> · {found.due_at === null ? t("visits.not_regular") : t("visits.due_until", { until: at(found.due_at) })}
            {found.due_at !== null && Date.parse(found.due_at) < Date.parse(found.now) && <b className="hot"> {t("visits.overdue")}</b>}
          </p>
          <div>
            {GROUPS.map((each) => (
              <Checkbox key={each} checked={groups.includes(each)} disabled={!mayChange} onChange={(event) => setGroups((all) => (event.target.checked ? [...all, each] : all.filter((one) => one !== each)))}>
                {t(`group.${each}`)}
              </Checkbox>
            ))}
          </div>
          {mayChange && <Button size="small" onClick={() => act(put(`/api/v1/residents/${residentId}/groups`, { groups }))} data-testid="save-groups">{t("needs.save_groups")}</Button>}
          <ul className="lines" data-testid="assessments">
            {found.assessments.map((each) => (
              <li key={each.recorded_at}>
                <time>{each.assessed_on}</time> <b>{t("case.care_level", { level: each.level })}</b> {each.assessor} {each.paper} <small>{each.recorded_by}</small>
              </li>
            ))}
          </ul>
          {mayChange && (
            <form onSubmit={(event) => { event.preventDefault(); act(post(`/api/v1/residents/${residentId}/assessments`, { level, assessed_on: day, assessor, paper })); }}>
              <InputNumber min={0} max={5} value={level} onChange={setLevel} placeholder={t("cover.care")} aria-label={t("cover.care")} data-testid="assess-level" />
              <Input type="date" value={day} onChange={(event) => setDay(event.target.value)} aria-label={t("needs.day")} data-testid="assess-day" />
              <Input value={assessor} onChange={(event) => setAssessor(event.target.value)} placeholder={t("needs.assessor")} aria-label={t("needs.assessor")} maxLength={100} data-testid="assess-by" />
              <Input value={paper} onChange={(event) => setPaper(event.target.value)} placeholder={t("needs.paper")} aria-label={t("needs.paper")} maxLength={100} />
              <Button htmlType="submit" disabled={level === null || day === "" || assessor.trim() === ""} data-testid="assess">{t("needs.assess")}</Button>
            </form>
          )}
          <ul className="lines">
            {found.visits.map((each) => (
              <li key={each.at}>
                <time>{at(each.at)}</time> {each.display_name || each.user_name} {t(`visits.${each.how}`)} · {word("result", each.result)} {each.note}
              </li>
            ))}
          </ul>
        </>
      )}
    </details>
  );
}
