import type { ServerFamily } from "./family.ts";
import { HYDRA_1 } from "./hydra1.ts";
import { HYDRA_2 } from "./hydra2.ts";

/** The families in the order in which a server is asked: a path that does not exist on it means the next. */
export const FAMILIES: readonly [ServerFamily, ...ServerFamily[]] = [HYDRA_2, HYDRA_1];

export { classifyError as faultOf, hasOwnError, jsonOf } from "./classify-error.ts";

export type { Answer, PageRequest, ServerError as Fault, ServerFamily } from "./family.ts";
export { clientIn, clientsIn, isJson, type ReadClient } from "./read-client.ts";
