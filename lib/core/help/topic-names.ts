/** The names of the topics, in the order in which they are listed. Help lists them without loading their texts. */
export const TOPIC_NAMES: readonly string[] = [
  ...["formats", "exit-codes", "environment", "config", "servers", "secrets"],
  ...["encryption", "tokens", "keys", "rules", "state"],
];
