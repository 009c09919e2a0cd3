/** The fields of one list value, or why it is malformed. */
type CsvLine = { readonly fields: readonly string[] } | { readonly fault: string };

/** A field and where it ends, at a comma or at the end of the text; or why it is malformed. */
type CsvFieldOrFault = { readonly value: string; readonly end: number } | { readonly fault: string };

/**
 * Splits a list value at its commas by the rules of RFC 4180 as Go's `encoding/csv` applies them to one line:
 * a field in double quotes may contain commas and doubled quotes, spaces are kept, an empty text is an empty list.
 */
export function splitCsvOrFault(text: string): CsvLine {
  if (text === "") return { fields: [] };
  const fields: string[] = [];
  for (let start = 0; start <= text.length; ) {
    const field = text[start] === '"' ? quotedField(text, start) : plainField(text, start);
    if ("fault" in field) return field;
    fields.push(field.value);
    start = field.end + 1;
  }
  return { fields };
}

function plainField(text: string, start: number): CsvFieldOrFault {
  const comma = text.indexOf(",", start);
  const end = comma < 0 ? text.length : comma;
  const value = text.slice(start, end);
  if (value.includes('"')) return { fault: "an unquoted value contains a double quote" };
  if (/[\r\n]/.test(value)) return { fault: "it has a line break; repeat the flag instead" };
  return { value, end };
}

function quotedField(text: string, start: number): CsvFieldOrFault {
  // Not a regular expression: its engine gives up on long runs of doubled quotes.
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 2)) {
    const next = text[quote + 1];
    if (next === '"') continue;
    if (next !== undefined && next !== ",") return { fault: "text follows a closing double quote" };
    return { value: text.slice(start + 1, quote).replaceAll('""', '"'), end: quote + 1 };
  }
  return { fault: 'a double quote is opened and not closed (write "" for a quote inside)' };
}

/** Writes a value as one field of a list value, in quotes if it needs them. */
export function quoteCsvField(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
