import type { FamilyDetection, ServerAnswer, ServerFamily } from "./family.ts";
import { HYDRA_1 } from "./hydra1.ts";
import { HYDRA_2 } from "./hydra2.ts";

/** The families in the order in which they are tried: a path that doesn't exist means that it is the next one. */
export const FAMILIES: readonly [ServerFamily, ...ServerFamily[]] = [HYDRA_2, HYDRA_1];

/** The families of which a server may be. */
export function possibleFamilies({ family }: FamilyDetection): readonly [ServerFamily, ...ServerFamily[]] {
  return family === undefined ? FAMILIES : [family];
}

/** The family that a server reveals by a redirect: Hydra 2.0 to 2.3 send the paths of 1.x to a URL without a host. */
export function findFamilyOfRedirect({ location }: Pick<ServerAnswer, "location">): ServerFamily | undefined {
  return /^https?:\/\/\/admin\//.test(location) ? HYDRA_2 : undefined;
}

/** Fields that some family doesn't support. */
export const FAMILY_SPECIFIC_FIELDS: ReadonlySet<string> = new Set(
  FAMILIES.flatMap(({ unknownFields }) => [...unknownFields]),
);

export {
  classifyErrorAnswer,
  hasErrorBody,
  isConcurrentUpdate,
  parseJsonBody,
  requiresTls,
} from "./classify-error-answer.ts";
export { fieldsWithUnexpectedTypes } from "./client-schema.ts";
export type {
  ClassifiedError,
  FamilyDetection,
  ItemOrCollection,
  PageRequest,
  ServerAnswer,
  ServerFamily,
} from "./family.ts";
export {
  type ClientWithUnreadFields,
  isJsonText,
  parseClient,
  parseClientList,
} from "./parse-client.ts";
