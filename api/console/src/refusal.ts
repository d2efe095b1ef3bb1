// What a refusal says to the person at the desk, in his language.
import { useSpeech } from "./language";
import { Refused, myName } from "./session";

export function useRefusal(): (error: unknown) => string {
  const { t, word } = useSpeech();
  return (error) => {
    if (!(error instanceof Refused)) return String(error);
    const { code, status, detail, held_by, handling } = error.problem;
    switch (code) {
      case "network":
        return t("refused.network");
      case "lease_lost":
        return t("refused.lease_lost");
      case "login_refused":
        return t("refused.login_refused");
      case "too_many_logins":
        return t("refused.too_many_logins");
      case "database_away":
        return t("refused.database_away");
      default:
        if (status === 409 && held_by !== null && held_by === myName()) return t("refused.stale_mine");
        if (status === 409 && held_by !== null) return t("refused.stale_claim", { who: held_by });
        if (status === 409 && handling !== null) return t("refused.stale_nobody", { handling: word("handling", handling) });
        return detail;
    }
  };
}
