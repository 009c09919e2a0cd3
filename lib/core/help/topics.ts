import { CONFIG_TOPIC } from "./config-topic.ts";
import { ENCRYPTION_TOPIC } from "./encryption-topic.ts";
import { ENVIRONMENT_TOPIC } from "./environment-topic.ts";
import { EXIT_CODES_TOPIC } from "./exit-codes-topic.ts";
import { FORMATS_TOPIC } from "./formats-topic.ts";
import { KEYS_TOPIC } from "./keys-topic.ts";
import { RULES_TOPIC } from "./rules-topic.ts";
import { SECRETS_TOPIC } from "./secrets-topic.ts";
import { SERVERS_TOPIC } from "./servers-topic.ts";
import { STATE_TOPIC } from "./state-topic.ts";
import { TOKENS_TOPIC } from "./tokens-topic.ts";
import type { Topic } from "./topic-parts.ts";

export type { Topic, TopicPart } from "./topic-parts.ts";

/** Every topic, in the order in which they are listed. */
export const TOPICS: readonly Topic[] = [
  FORMATS_TOPIC,
  EXIT_CODES_TOPIC,
  ENVIRONMENT_TOPIC,
  CONFIG_TOPIC,
  SERVERS_TOPIC,
  SECRETS_TOPIC,
  ENCRYPTION_TOPIC,
  TOKENS_TOPIC,
  KEYS_TOPIC,
  RULES_TOPIC,
  STATE_TOPIC,
];
