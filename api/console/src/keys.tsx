// What the keyboard does. Each part of the desk says what its keys do now, or why they do nothing; one listener asks them, and the help shows the same list.
import { App as AntApp } from "antd";
import { createContext, useContext, useEffect, useRef } from "react";
import { useSpeech } from "./language";

export interface Key {
  /** As `KeyboardEvent.key` gives it, in lower case where it is a letter. */
  key: string;
  does: string;
  /** Why it does nothing now; null where it does. */
  why: string | null;
  run(): void;
}

/** The keys of the desk: those of a part that came later stand before those of an earlier one. */
export class Keyboard {
  private readonly parts = new Map<object, { keys: readonly Key[]; shut: boolean }>();

  put(part: object, keys: readonly Key[], shut: boolean): void {
    this.parts.set(part, { keys, shut });
  }

  drop(part: object): void {
    this.parts.delete(part);
  }

  /** A form is open, or about to be: what is pressed is for it. */
  get shut(): boolean {
    return [...this.parts.values()].some((part) => part.shut);
  }

  all(): Key[] {
    const found = new Map<string, Key>();
    for (const part of this.parts.values()) for (const key of part.keys) found.set(key.key, key);
    const keys = [...found.values()];
    // Steps and results have numbers of their own; "1-9" stands for them while there are none.
    return keys.some((each) => /^[1-9]$/.test(each.key)) ? keys.filter((each) => each.key !== "1-9") : keys;
  }
}

export const Keys = createContext(new Keyboard());

/** Say what keys do while this part is shown. `shut`: none does anything. */
export function useKeys(keys: readonly Key[], shut = false): void {
  const keyboard = useContext(Keys);
  const part = useRef({});
  // At each drawing, and not in an effect: a key is never older than what is seen.
  keyboard.put(part.current, keys, shut);
  useEffect(() => {
    const mine = part.current;
    return () => keyboard.drop(mine);
  }, [keyboard]);
}

const FIELDS = "input, textarea, select, [role=dialog]";

/** Hear the keyboard while `on`. A key that does nothing now says why. */
export function useKeyboard(keyboard: Keyboard, on: boolean): void {
  const { message } = AntApp.useApp();
  useEffect(() => {
    if (!on) return undefined;
    const pressed = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const busy = keyboard.shut || target.closest(FIELDS) !== null || document.querySelector(".ant-modal-wrap:not([style*='display: none'])") !== null;
      if (busy || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
      // Enter and the space bar are for the button that has the keyboard.
      if (event.key === "Enter" && target.closest("button, a") !== null) return;
      const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const found = keyboard.all().find((each) => each.key === name);
      if (found === undefined) return;
      event.preventDefault();
      if (found.why === null) found.run();
      else void message.info({ content: found.why, key: "keys" });
    };
    // Before anybody else hears the key: what closes a form must not close the case behind it as well.
    window.addEventListener("keydown", pressed, true);
    return () => window.removeEventListener("keydown", pressed, true);
  }, [keyboard, on, message]);
}

/** All keys, with what they do now or why they do nothing. */
export function KeyList({ keyboard }: { keyboard: Keyboard }) {
  const { t } = useSpeech();
  return (
    <>
      <dl className="keys" data-testid="keys">
        {keyboard.all().map((each) => (
          <div key={each.key} className={each.why === null ? "" : "faded"}>
            <dt><kbd>{each.key.length === 1 ? each.key.toUpperCase() : each.key}</kbd></dt>
            <dd>
              {each.does} {each.why !== null && <small>{each.why}</small>}
            </dd>
          </div>
        ))}
      </dl>
      <p className="small">{t("keys.form")}</p>
    </>
  );
}
