/** The steps of `npm test` that its arguments select. */
interface Selection<T> {
  readonly steps: readonly T[];
  /** The words that select nothing: probably misspelt, so a run without their steps must not pass. */
  readonly unmatched: readonly string[];
}

function matches(name: string, word: string): boolean {
  return word === "checks" ? /^check (types|format)/.test(name) : name.includes(word);
}

/** Selects the steps whose names contain one of the words; `checks` selects format, lint and types. No words select all. */
export function selectSteps<T extends { readonly name: string }>(
  steps: readonly T[],
  words: readonly string[],
): Selection<T> {
  if (words.length === 0) return { steps, unmatched: [] };
  return {
    steps: steps.filter(({ name }) => words.some((word) => matches(name, word))),
    unmatched: words.filter((word) => !steps.some(({ name }) => matches(name, word))),
  };
}

/** Whether the steps see a variable: nothing that would configure the program under test, or colour the output. */
export function isKeptVariable(name: string): boolean {
  return /^HYDRA_(TEST_ENDPOINTS|BINARY)$/.test(name) || !/^(HYDRA_|OAUTH2_|ORY_|FORCE_COLOR$)/.test(name);
}
