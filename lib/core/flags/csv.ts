/** The pieces of one list value, or the reason why it cannot be read. */
export type CsvLine = { readonly fields: readonly string[] } | { readonly fault: string };

/**
 * Splits a list value at its commas by the rules of RFC 4180 as Go's `encoding/csv` applies them to one line:
 * a field in double quotes may hold commas and doubled quotes, blanks are kept, an empty text is an empty list.
 */
export function splitCsv(text: string): CsvLine {
  if (text === "") return { fields: [] };
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const read = quotedField(text, at + 1);
      if (read === undefined) return { fault: 'a double quote is opened and not closed (write "" for a quote inside)' };
      fields.push(read.value);
      at = read.next;
      if (at < text.length && text[at] !== ",") return { fault: "text follows a closing double quote" };
    } else {
      const comma = text.indexOf(",", at);
      const end = comma < 0 ? text.length : comma;
      const field = text.slice(at, end);
      if (field.includes('"')) return { fault: "a double quote stands inside an unquoted value" };
      if (/[\r\n]/.test(field)) return { fault: "it has a line break; repeat the flag instead" };
      fields.push(field);
      at = end;
    }
    if (at >= text.length) return { fields };
    at++;
  }
}

function quotedField(text: string, from: number): { value: string; next: number } | undefined {
  let value = "";
  for (let at = from; at < text.length; at++) {
    if (text[at] !== '"') {
      value += text[at];
    } else if (text[at + 1] === '"') {
      value += '"';
      at++;
    } else {
      return { value, next: at + 1 };
    }
  }
  return undefined;
}
