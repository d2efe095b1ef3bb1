// The language that is spoken, and the clock that is shown: what every part of the page needs.
import { createContext, useContext, useEffect, useState } from "react";
import type { Language, TextKey, Values } from "./texts";
import { clockTime, duration, say, sayWord } from "./texts";
import type { Sentence } from "./types";

const Spoken = createContext<Language>("zh");
export const SpeakProvider = Spoken.Provider;

export interface Speech {
  language: Language;
  t(key: TextKey, values?: Values): string;
  word(group: string, word: string): string;
  sentence(sentence: Sentence): string;
  duration(seconds: number): string;
  at(instant: string): string;
}

export function useSpeech(): Speech {
  const language = useContext(Spoken);
  return {
    language,
    t: (key, values) => say(key, language, values),
    word: (group, word) => sayWord(group, word, language),
    sentence: (sentence) => sentence[language],
    duration: (seconds) => duration(seconds, language),
    at: (instant) => clockTime(instant, language, Date.now()),
  };
}

const KEPT = "shouwang.language";

/** The language kept in this browser; Chinese where nothing was chosen. */
export function keptLanguage(): Language {
  try {
    return localStorage.getItem(KEPT) === "en" ? "en" : "zh";
  } catch {
    return "zh";
  }
}

export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // A browser without storage forgets; nothing else depends on it.
  }
}

/** Epoch ms by the server's clock, renewed `everyMs`. */
export function useNow(offsetMs: number, everyMs = 500): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now + offsetMs;
}
