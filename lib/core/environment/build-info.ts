/** Defined by `build.ts` when the binary is compiled; undefined when run from source. */
declare const HYDRA_VERSION: string | undefined;

declare const HYDRA_COMMIT: string | undefined;

declare const HYDRA_DATE: string | undefined;

/** What was built: version, commit and the commit's date (RFC 3339). */
export const BUILD_INFO = {
  version: typeof HYDRA_VERSION === "string" ? HYDRA_VERSION : "source",
  commit: typeof HYDRA_COMMIT === "string" ? HYDRA_COMMIT : "unknown",
  date: typeof HYDRA_DATE === "string" ? HYDRA_DATE : "unknown",
} as const;
