/** What a list of many clients is compared with: requests the pages one after the other, and prints one line per client. */

import { writeSync } from "node:fs";
import process from "node:process";
import * as v from "valibot";

const CLIENTS = v.array(v.unknown());

const [, , endpoint = ""] = process.argv;

for (let url: string | undefined = `${endpoint}/admin/clients?page_size=200`; url !== undefined; ) {
  const page: Response = await fetch(url);
  const lines = v.parse(CLIENTS, await page.json()).map((client) => `${JSON.stringify(client)}\n`);
  writeSync(1, lines.join(""));
  const next: string | undefined = /<([^>]*)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1];
  url = next === undefined ? undefined : new URL(next, url).href;
}
