/** The algorithms of `--generate-key` (RFC 7518, 3.1): those that both server families accept for private_key_jwt. */
export const GENERATED_KEY_ALGORITHMS = ["ES256", "RS256", "PS256"] as const;

/** One of {@link GENERATED_KEY_ALGORITHMS}. */
export type GeneratedKeyAlgorithm = (typeof GENERATED_KEY_ALGORITHMS)[number];

/** The signature algorithms of private_key_jwt that every Hydra accepts (RFC 7518, 3.1). */
export const ASSERTION_ALGORITHMS: readonly string[] = [
  ...["RS256", "RS384", "RS512"],
  ...["PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512"],
];
