/** The largest request body, 10 MiB; a real server has no limit. */
export const BODY_LIMIT = 10 * 1024 * 1024;
