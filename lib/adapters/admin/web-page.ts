import { looksLikeWebPage } from "../../core/pgp/keyless-answer.ts";
import type { ServerAnswer } from "../../servers/index.ts";

/** Whether a response is a web page. */
export function isWebPage({ contentType, text }: ServerAnswer): boolean {
  return /html/i.test(contentType) || looksLikeWebPage(text);
}

/** Characters of a page that may come before its title. */
const TITLE_WITHIN = 65_536;

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: " " };

/** The title of a web page, on one line; empty if it has none. */
export function pageTitle(page: string): string {
  const start = page.slice(0, TITLE_WITHIN);
  const [open] = /<title(?:\s[^<>]*)?>/i.exec(start) ?? [];
  if (open === undefined) return "";
  const rest = start.slice(start.indexOf(open) + open.length);
  const end = rest.search(/<\/title/i);
  return (end < 0 ? "" : rest.slice(0, end))
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name: string) => ENTITIES[name] ?? whole)
    .replace(/\s+/g, " ")
    .trim();
}
