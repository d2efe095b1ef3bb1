// Who did what with a case, newest first.
import { useSpeech } from "./language";
import type { CaseDetail } from "./types";

export function History({ detail }: { detail: CaseDetail }) {
  const { t, word, sentence, at } = useSpeech();
  const shown = detail.audit.filter((line) => line.action !== "renewed").toReversed();
  return (
    <section>
      <h3>{t("case.history")}</h3>
      <ul className="lines" data-testid="history">
        {shown.map((line, index) => (
          <li key={index}>
            <time>{at(line.at)}</time> <b>{line.actor === "system" ? t("actor.system") : line.actor}</b> {word("change", line.action)}
            {line.reason.key !== "" && <span> · {sentence(line.reason)}</span>}
            {line.note !== "" && <q>{line.note}</q>}
          </li>
        ))}
      </ul>
    </section>
  );
}
