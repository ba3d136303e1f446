import { closest, distance } from "fastest-levenshtein";

/** The word that was meant: at most two letters off, whatever their case. Undefined where none is that near. */
export function nearWord(text: string, words: readonly string[]): string | undefined {
  if (words.length === 0 || text.length > 100) return undefined;
  const lower = text.toLowerCase();
  const near =
    words.find((word) => word.toLowerCase() === lower) ??
    // Letters that changed places are nearer than others.
    words.find((word) => letters(word.toLowerCase()) === letters(lower)) ??
    closest(lower, [...words]);
  const off = distance(lower, near.toLowerCase());
  // Two letters off makes anything of a word of two letters.
  return off <= 2 && off < Math.min(text.length, near.length) ? near : undefined;
}

/** `; did you mean …?`, or nothing. */
export function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : `; did you mean ${near}?`;
}

function letters(text: string): string {
  return [...text].sort().join("");
}
