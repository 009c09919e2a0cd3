/** Writes one value so that `splitCsvOrFault()` reads it back as one field. */
export function csvField(value: string): string {
  return /[",\r\n]/.test(value) || value === "" ? `"${value.replaceAll('"', '""')}"` : value;
}
