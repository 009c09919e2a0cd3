/** Whether a word has wildcards. */
export function hasWildcard(word: string): boolean {
  return /[*?]/.test(word);
}

/** Whether a text matches a pattern as a whole: `*` is any text, `?` any character. Takes at most quadratic time. */
export function matchesGlob(pattern: string, text: string): boolean {
  const wanted = [...pattern];
  const found = [...text];
  let [at, from] = [0, 0];
  let star: { readonly after: number; from: number } | undefined;
  while (from < found.length) {
    const next = wanted[at];
    if (next === "*") {
      star = { after: ++at, from };
    } else if (next === "?" || (next !== undefined && next === found[from])) {
      at++;
      from++;
    } else if (star === undefined) {
      return false;
    } else {
      at = star.after;
      from = ++star.from;
    }
  }
  return wanted.slice(at).every((rest) => rest === "*");
}
