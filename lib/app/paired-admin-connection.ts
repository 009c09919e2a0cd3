import type { Host } from "../adapters/host.ts";
import type { ConfigFile } from "../core/flags/config-file.ts";
import { type ConnectionReading, readConnection } from "../core/flags/connection.ts";
import {
  ACCESS_TOKEN,
  API,
  CA_FILE,
  ENDPOINT,
  FAIL_AFTER,
  FAKE_TLS_TERMINATION,
  HEADER,
  PAIRED_ADMIN_URL,
  SKIP_TLS_VERIFY,
} from "../core/flags/connection-flags.ts";
import type { Flag } from "../core/flags/flag.ts";
import { NO_VALUE_SOURCES, parseFlagsWithFallbacks } from "../core/flags/parse.ts";
import type { FlagValues } from "../core/flags/parsed-flag-values.ts";

/** Flags of the command line that count for both sides of a server. */
const SHARED_FLAGS: readonly Flag[] = [FAIL_AFTER, FAKE_TLS_TERMINATION, SKIP_TLS_VERIFY, CA_FILE];

/** Flags for the admin API that a command for the public side doesn't have: only the environment and the config file set them. */
const ADMIN_SIDE_FLAGS: readonly Flag[] = [ACCESS_TOKEN, HEADER, API];

/** How the admin API is reached by a command for the public side. What is wrong counts only if the command line names it. */
export function readPairedAdminConnection(
  environment: Host["environment"],
  values: FlagValues,
  config: ConfigFile | undefined,
): Pick<ConnectionReading, "connection" | "problems"> {
  const url = values.text(PAIRED_ADMIN_URL);
  if (url === undefined) return { connection: undefined, problems: [] };
  const origin = values.origin(PAIRED_ADMIN_URL);
  const file = config?.file ?? NO_VALUE_SOURCES.file;
  const own = parseFlagsWithFallbacks([], ADMIN_SIDE_FLAGS, "", { environment, file }).values;
  const endpoint = [ENDPOINT.name, { texts: [url], origin }] as const;
  const settings = own.with([...values.entriesOf(SHARED_FLAGS), endpoint]);
  const { connection, problems } = readConnection(settings, config?.endpoint);
  return { connection, problems: origin.from === "flag" ? problems : [] };
}
