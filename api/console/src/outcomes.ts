// The codes that are chosen from; they change with the server only, so they are asked for once.
import { useEffect, useState } from "react";
import { get } from "./session";
import type { Outcomes } from "./types";

let known: Outcomes | null = null;

export function useOutcomes(): Outcomes {
  const [found, setFound] = useState<Outcomes>(known ?? { outcomes: [], contacts: [], calls: [] });
  useEffect(() => {
    if (known !== null) return;
    get<Outcomes>("/api/v1/outcomes").then(
      (asked) => setFound((known = asked)),
      () => undefined,
    );
  }, []);
  return found;
}
