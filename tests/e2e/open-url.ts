/** What a test starts in the place of xdg-open: goes where a URL leads. */

import process from "node:process";
import { browse } from "./browser.ts";

const { pages } = await browse(process.argv[2] ?? "");
process.exitCode = pages.at(-1)?.status === 200 ? 0 : 1;
