// A family's page: one word for one's relative, and it never says "well" where nobody can see.
import { Alert, Empty, Spin } from "antd";
import { useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get } from "./session";
import type { Relatives } from "./types";

const RENEW_MS = 15_000;
/** A page that was not renewed for so long must not go on saying "well". */
const OLD_MS = 60_000;
const MARKS = { well: "●", quiet: "◆", alert: "▲", cannot_see: "✕" };

export function FamilyPage() {
  const { t, word, sentence, at } = useSpeech();
  const explain = useRefusal();
  const say = useRef(explain);
  say.current = explain;
  const [found, setFound] = useState<Relatives | null>(null);
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
    load();
    const renew = window.setInterval(load, RENEW_MS);
    const watch = window.setInterval(() => setOld(performance.now() - renewedAt > OLD_MS), 1_000);
    return () => {
      stop.abort();
      window.clearInterval(renew);
      window.clearInterval(watch);
    };
  }, []);

  return (
    <main className="family">
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
