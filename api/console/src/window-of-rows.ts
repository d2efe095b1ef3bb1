// Of a list of thousands only the rows near the screen are drawn: ten thousand buttons that count down every half second are more than a browser carries.
import { type RefObject, useEffect, useReducer } from "react";

/** Height of a row with its gap, CSS px; console.css holds rows to it. */
export const PITCH_PX = 86;
/** Shorter lists are drawn whole: nothing is gained there, and a search in the page finds every row. */
const WHOLE = 100;
/** Rows drawn beyond each edge, so that scrolling never shows an empty one. */
const BEYOND = 15;

/** First and last (exclusive) row to draw of `count`, by where the list stands on the screen. */
export function rowsWithin(topPx: number, screenPx: number, count: number): [number, number] {
  if (count <= WHOLE) return [0, count];
  const first = Math.max(0, Math.min(count, Math.floor(-topPx / PITCH_PX) - BEYOND));
  return [first, Math.min(count, first + Math.ceil(screenPx / PITCH_PX) + 2 * BEYOND)];
}

export function useWindowOfRows(list: RefObject<HTMLElement | null>, count: number): [number, number] {
  const [, again] = useReducer((turn: number) => turn + 1, 0);
  const long = count > WHOLE;
  useEffect(() => {
    if (!long) return undefined;
    let asked = 0;
    const moved = (): void => {
      if (asked === 0) asked = requestAnimationFrame(() => ((asked = 0), again()));
    };
    // Whatever scrolls: the queue at a desk, the page on a small screen.
    window.addEventListener("scroll", moved, { capture: true, passive: true });
    window.addEventListener("resize", moved);
    return () => {
      cancelAnimationFrame(asked);
      window.removeEventListener("scroll", moved, true);
      window.removeEventListener("resize", moved);
    };
  }, [long]);
  return rowsWithin(list.current?.getBoundingClientRect().top ?? 0, window.innerHeight, count);
}
