/** The algorithms of `--generate-key` (RFC 7518, 3.1): those that both server families accept for private_key_jwt. */
export const KEY_ALGORITHMS = ["ES256", "RS256", "PS256"] as const;

/** One of {@link KEY_ALGORITHMS}. */
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];
