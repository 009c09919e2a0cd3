import { randomUUID } from "node:crypto";
import { isJsonObject, type JsonObject } from "../core/json/json.ts";
import {
  ApiError,
  CONFLICT,
  NOT_FOUND,
  noSuchResourceError,
  undecodableBodyError,
  unexpectedServerError,
} from "./api-errors.ts";
import { parseFirstJson } from "./decode-body.ts";
import { InputFault, rejectJsonType } from "./input-fault.ts";
import { stringMemberOrEmpty } from "./json-members.ts";
import { decodeKey, decodeKeySet } from "./key-set.ts";
import type { KeyStore } from "./key-store.ts";
import { type Answer, emptyAnswer, errorAnswer, jsonAnswer } from "./response.ts";
import type { Behaviour } from "./versions.ts";

/** A request about a set, whose name is the first ID in the path, or about one of its keys. */
interface KeyRouteCall {
  readonly id: string;
  readonly kid: string;
  readonly request: { readonly body: string };
}

/** What the routes of key sets are made from. */
interface KeyRoutesOptions {
  readonly behaviour: Behaviour;
  readonly keys: KeyStore;
  /** The public port's URL, which newer versions name in the Location of a new set. */
  readonly publicUrl: () => string;
}

/** A key with that ID exists already, in the words of a version. */
function keyConflictError({ keys }: Behaviour, set: string, kid: string): ApiError {
  if (keys.wording === "shared") return CONFLICT;
  const description = `Unable to create key with kid "${kid}" in set "${set}" because that kid already exists in the set.`;
  return new ApiError({ status: 409, error: "Conflict", description });
}

/** The first ID that two keys of a new set share. */
function findRepeatedKid(keys: readonly JsonObject[]): string | undefined {
  const seen = new Set<string>();
  for (const key of keys) {
    const kid = stringMemberOrEmpty(key, "kid");
    if (seen.has(kid)) return kid;
    seen.add(kid);
  }
  return undefined;
}

/** The object in a body; `type` is what a server's decoder expects. */
function decodeBodyAsObject(body: string, type: string): JsonObject {
  const value = parseFirstJson(body);
  return isJsonObject(value) ? value : rejectJsonType(value, `value of type ${type}`);
}

/** The answer to an algorithm that no key is generated for. */
function unknownAlgorithmAnswer(behaviour: Behaviour, alg: string): Answer {
  if (behaviour.keys.wording === "shared")
    return errorAnswer(behaviour, { status: 400, error: "Bad Request", description: "Unsupported key algorithm" });
  const { details } = unexpectedServerError(behaviour, `Generator ${alg} unknown`);
  // The status of the answer and the one in its body differ on this version.
  return { ...errorAnswer(behaviour, details), status: 400 };
}

/** The routes of JSON Web Key sets. */
export function createKeyRoutes({ behaviour, keys, publicUrl }: KeyRoutesOptions) {
  function decoded<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      throw error instanceof InputFault
        ? undecodableBodyError(behaviour, behaviour.badCreateBody, error.message)
        : error;
    }
  }

  function create({ id: set, request: { body } }: KeyRouteCall): Answer {
    const given = decoded(() => decodeBodyAsObject(body, "jwk.createRequest"));
    const alg = stringMemberOrEmpty(given, "alg");
    if (!behaviour.keys.generates.includes(alg)) return unknownAlgorithmAnswer(behaviour, alg);
    const kid = stringMemberOrEmpty(given, "kid") || randomUUID();
    const made = keys.generate(set, { kid, alg, use: stringMemberOrEmpty(given, "use") });
    const base = behaviour.keys.pairs ? "://" : publicUrl();
    if (made !== undefined) return jsonAnswer(201, { keys: made }, { location: `${base}/keys/${set}` });
    throw keyConflictError(behaviour, set, behaviour.keys.pairs ? `private:${kid}` : kid);
  }

  function replace({ id: set, request: { body } }: KeyRouteCall): Answer {
    const given = decoded(() => decodeKeySet(decodeBodyAsObject(body, "jose.JSONWebKeySet"), behaviour.keyLibrary));
    const list = given.keys ?? [];
    const twice = findRepeatedKid(list);
    if (twice !== undefined) throw keyConflictError(behaviour, set, twice);
    keys.replace(set, list);
    return jsonAnswer(200, { keys: list });
  }

  function put({ id: set, request: { body } }: KeyRouteCall): Answer {
    const key = decoded(() => decodeKey(parseFirstJson(body), behaviour.keyLibrary));
    if (behaviour.keys.needsSet) requireKeys(set);
    keys.put(set, key);
    return jsonAnswer(200, key);
  }

  function requireKeys(set: string): readonly JsonObject[] {
    const found = keys.get(set);
    if (found === undefined) throw noSuchResourceError(behaviour);
    return found;
  }

  function read({ id: set }: KeyRouteCall): Answer {
    return jsonAnswer(200, { keys: requireKeys(set) });
  }

  function readKey({ id: set, kid }: KeyRouteCall): Answer {
    const found = (keys.get(set) ?? []).filter((key) => key["kid"] === kid);
    if (found.length > 0) return jsonAnswer(200, { keys: found });
    throw behaviour.keys.wording === "own" ? noSuchResourceError(behaviour) : NOT_FOUND;
  }

  function removeKey({ id: set, kid }: KeyRouteCall): Answer {
    if (behaviour.keys.needsSet) requireKeys(set);
    keys.remove(set, kid);
    return emptyAnswer(204);
  }

  function removeSet({ id: set }: KeyRouteCall): Answer {
    keys.removeSet(set);
    return emptyAnswer(204);
  }

  return [
    {
      path: "/keys/{id}",
      methods: new Map(Object.entries({ GET: read, POST: create, PUT: replace, DELETE: removeSet })),
    },
    { path: "/keys/{id}/{kid}", methods: new Map(Object.entries({ GET: readKey, PUT: put, DELETE: removeKey })) },
  ];
}
