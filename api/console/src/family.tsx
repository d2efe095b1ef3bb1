// A family's page: one word for one's relative, and it never says "well" where nobody can see.
import { Alert, Button, Empty, Spin } from "antd";
import { useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, post } from "./session";
import type { Question, Questions, Relatives } from "./types";

const RENEW_MS = 15_000;
/** A page that was not renewed for so long must not go on saying "well". */
const OLD_MS = 60_000;
/** A question has minutes, so it is looked for more often than the state. */
const ASK_MS = 5_000;
const ANSWERS = ["well", "help", "unsure"] as const;
const MARKS = { well: "●", quiet: "◆", alert: "▲", cannot_see: "✕" };

export function FamilyPage() {
  const { t, word, sentence, at } = useSpeech();
  const explain = useRefusal();
  const say = useRef(explain);
  say.current = explain;
  const [found, setFound] = useState<Relatives | null>(null);
  const [questions, setQuestions] = useState<Question[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [old, setOld] = useState(false);

  useEffect(() => {
    const stop = new AbortController();
    let renewedAt = performance.now();
    const load = (): void => {
      get<Relatives>("/api/v1/family/relatives", stop.signal).then(
        (relatives) => {
          renewedAt = performance.now();
          setFound(relatives);
          setTrouble(null);
        },
        (error: unknown) => {
          if (!stop.signal.aborted) setTrouble(say.current(error));
        },
      );
    };
    const ask = (): void => {
      get<Questions>("/api/v1/family/questions", stop.signal).then(
        (asked) => setQuestions(asked.questions),
        () => undefined, // what is wrong is said by the state of the relatives, which is asked for as often
      );
    };
    load();
    ask();
    const asking = window.setInterval(ask, ASK_MS);
    const renew = window.setInterval(load, RENEW_MS);
    const watch = window.setInterval(() => setOld(performance.now() - renewedAt > OLD_MS), 1_000);
    return () => {
      stop.abort();
      window.clearInterval(asking);
      window.clearInterval(renew);
      window.clearInterval(watch);
    };
  }, []);

  const answer = async (question: Question, said: string): Promise<void> => {
    try {
      await post(`/api/v1/family/questions/${question.question_id}/answer`, { answer: said });
      setQuestions((all) => all.filter((each) => each.question_id !== question.question_id));
    } catch (error) {
      setTrouble(explain(error));
    }
  };

  return (
    <main className="family">
      {questions.map((question) => (
        <article key={question.question_id} className="alert" data-testid="question">
          <h2>{question.name}</h2>
          <p>{sentence(question.said)}</p>
          <p className="small">{t("ask.until", { until: at(question.until) })}</p>
          {ANSWERS.map((each) => (
            <Button key={each} danger={each === "help"} onClick={() => void answer(question, each)} data-testid={`answer-${each}`}>
              {t(`ask.${each}`)}
            </Button>
          ))}
        </article>
      ))}
      {trouble !== null && <Alert type="error" showIcon title={trouble} />}
      {found === null && trouble === null && <Spin />}
      {found !== null && found.relatives.length === 0 && <Empty description={t("relative.none")} />}
      {found?.relatives.map((relative) => {
        const shown = old ? "cannot_see" : relative.word;
        return (
          <article key={relative.resident_id} className={shown} data-testid="relative" data-word={shown}>
            <h2>{relative.name}</h2>
            <p className="word">
              {MARKS[shown]} {word("relative", shown)}
            </p>
            {!old && <p>{sentence(relative.said)}</p>}
            {relative.cannot_see_since !== null && <p>{t("people.cannot_see", { since: at(relative.cannot_see_since) })}</p>}
            <p className="small">
              {t("people.last_sign")}: {relative.last_sign_at === null ? t("people.no_sign") : at(relative.last_sign_at)}
            </p>
          </article>
        );
      })}
    </main>
  );
}
