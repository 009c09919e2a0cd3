/** The largest request body, 10 MiB; a real server has no limit. */
export const BODY_LIMIT = 10 * 1024 * 1024;

/** The error for a body that nests too deep, in Go's words; a real server accepts more levels. */
export const TOO_DEEP_FAULT = { fault: "exceeded max depth" } as const;
