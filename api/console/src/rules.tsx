// By which numbers cases are ranked and timed: seen by supervisors, changed by who oversees the whole site.
import { Alert, Button, InputNumber, Select, Switch, Table } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, put } from "./session";
import type { AnswerTime, AskingTime, PriorityRule, SiteRules } from "./types";

const SCORES = [0, 1, 2, 3, 4] as const;
/** How long a family that was never asked before is asked, s, until somebody says otherwise. */
const FIRST_WAIT_S = 120;

export function RulesPage() {
  const { t, word, at } = useSpeech();
  const explain = useRefusal();
  const [rules, setRules] = useState<SiteRules | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  const load = useCallback(async (): Promise<void> => {
    try {
      setRules(await get<SiteRules>("/api/v1/rules"));
    } catch (error) {
      setTrouble(explain(error));
    }
    // A change of language asks nothing anew.
  }, []);
  useEffect(() => void load(), [load]);

  const save = async (path: string, body: object): Promise<void> => {
    try {
      await put(`/api/v1/rules/${path}`, body);
      setTrouble(null);
    } catch (error) {
      setTrouble(explain(error));
    }
    // After a refusal too: what stands there is what is in force.
    await load();
  };
  const fixed = !(rules?.may_change ?? false);
  const changed = (row: { changed_by: string; changed_at: string | null }): string =>
    row.changed_by === "system" || row.changed_at === null ? t("rules.shipped") : `${row.changed_by} ${at(row.changed_at)}`;
  const asked = new Map(rules?.asking.map((row) => [row.family, row]));

  return (
    <main className="system" data-testid="rules">
      {trouble !== null && <Alert type="error" title={trouble} data-testid="rules-refused" />}
      {rules !== null && fixed && <Alert type="info" title={t("rules.fixed")} data-testid="rules-fixed" />}
      <h3>{t("rules.priorities")}</h3>
      <p>{t("rules.priorities_hold")}</p>
      <Table<PriorityRule>
        size="small" rowKey="family" pagination={false} dataSource={rules?.priorities ?? []} locale={{ emptyText: t("rules.unknown") }}
        columns={[
          { title: t("rules.family"), render: (_, row) => word("family", row.family) },
          ...SCORES.map((score) => ({
            title: t("rules.score", { score }),
            render: (_: unknown, row: PriorityRule) => (
              <Select
                size="small" value={row.priorities[score] ?? null} disabled={fixed || row.least[score] === 1} aria-label={`${word("family", row.family)} ${t("rules.score", { score })}`}
                options={[1, 2, 3, 4, 5].filter((each) => each <= (row.least[score] ?? 5)).map((each) => ({ value: each, label: `P${each}` }))}
                onChange={(wanted: number) =>
                  // The surer the more urgent: what stands to the left follows where it must, and what stands to the right.
                  void save(`priorities/${row.family}`, {
                    priorities: row.priorities.map((each, at) => (at === score ? wanted : at < score ? Math.max(each, wanted) : Math.min(each, wanted))),
                  })
                }
                data-testid={`priority-${row.family}-${score}`}
              />
            ),
          })),
          { title: t("rules.changed"), render: (_, row) => <small>{changed(row)}</small> },
        ]}
      />
      <h3>{t("rules.answers")}</h3>
      <p>{t("rules.answers_hold")}</p>
      <Table<AnswerTime>
        size="small" rowKey="priority" pagination={false} dataSource={rules?.answers ?? []} locale={{ emptyText: t("rules.unknown") }}
        columns={[
          { title: t("told.priority"), render: (_, row) => `P${row.priority}` },
          {
            title: t("rules.answer_s"),
            render: (_, row) => (
              <Seconds value={row.answer_s} least={10} most={row.longest_s} fixed={fixed} label={`P${row.priority} ${t("rules.answer_s")}`} name={`answer-${row.priority}`}
                onSave={(answer_s) => void save(`answers/${row.priority}`, { answer_s })} />
            ),
          },
          { title: t("rules.longest"), render: (_, row) => `${row.longest_s} s` },
          { title: t("rules.changed"), render: (_, row) => <small>{changed(row)}</small> },
        ]}
      />
      <h3>{t("rules.asking")}</h3>
      <p>{t("rules.asking_holds")}</p>
      <Table<PriorityRule>
        size="small" rowKey="family" pagination={false} locale={{ emptyText: t("rules.unknown") }}
        // Where a P1 is all there is, nobody waits for an answer.
        dataSource={rules?.priorities.filter((row) => row.least.some((each) => each !== 1)) ?? []}
        columns={[
          { title: t("rules.family"), render: (_, row) => word("family", row.family) },
          {
            title: t("rules.asked"),
            render: (_, row) => (
              <Switch checked={asked.get(row.family)?.enabled ?? false} disabled={fixed} aria-label={`${word("family", row.family)} ${t("rules.asked")}`} data-testid={`asked-${row.family}`}
                onChange={(enabled) => void save(`asking/${row.family}`, { wait_s: asked.get(row.family)?.wait_s ?? FIRST_WAIT_S, enabled })} />
            ),
          },
          {
            title: t("rules.wait_s"),
            render: (_, row) => <Wait row={asked.get(row.family)} fixed={fixed} label={`${word("family", row.family)} ${t("rules.wait_s")}`} onSave={(wait_s) => void save(`asking/${row.family}`, { wait_s, enabled: true })} />,
          },
          {
            title: t("rules.changed"),
            render: (_, row) => {
              const found = asked.get(row.family);
              return <small>{found === undefined ? t("rules.shipped") : changed(found)}</small>;
            },
          },
        ]}
      />
    </main>
  );
}

function Wait({ row, fixed, label, onSave }: { row: AskingTime | undefined; fixed: boolean; label: string; onSave(wait_s: number): void }) {
  if (row === undefined || !row.enabled) return <>–</>;
  return <Seconds value={row.wait_s} least={30} most={900} fixed={fixed} label={label} name={`wait-${row.family}`} onSave={onSave} />;
}

/** A number of seconds that is saved when somebody says so, not while it is typed. */
function Seconds({ value, least, most, fixed, label, name, onSave }: { value: number; least: number; most: number; fixed: boolean; label: string; name: string; onSave(value: number): void }) {
  const { t } = useSpeech();
  const [wanted, setWanted] = useState(value);
  useEffect(() => setWanted(value), [value]);
  return (
    <>
      <InputNumber size="small" min={least} max={most} value={wanted} disabled={fixed} onChange={(given) => setWanted(given ?? value)} suffix="s" aria-label={label} data-testid={name} style={{ width: 120 }} />{" "}
      {wanted !== value && (
        <Button size="small" onClick={() => onSave(wanted)} data-testid={`save-${name}`}>
          {t("told.save")}
        </Button>
      )}
    </>
  );
}
