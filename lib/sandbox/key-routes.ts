import { randomUUID } from "node:crypto";
import { isJsonObject, type JsonObject } from "../core/json/json.ts";
import {
  type ApiError,
  CONFLICT,
  NOT_FOUND,
  noSuchResourceError,
  undecodableBodyError,
  unexpectedServerError,
} from "./api-errors.ts";
import { type DecodeOutcome, parseFirstJson } from "./decode-body.ts";
import { jsonKindName } from "./json-kind.ts";
import { decodeKey, decodeKeySet } from "./key-set.ts";
import type { KeyStore } from "./key-store.ts";
import { textIn } from "./members.ts";
import { type Answer, emptyAnswer, errorAnswer, jsonAnswer } from "./response.ts";
import type { Behaviour } from "./versions.ts";

/** A request about a set, whose name is the first ID in the path, or about one of its keys. */
interface KeyCall {
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

function conflict({ keys }: Behaviour, set: string, kid: string): ApiError {
  if (keys.wording === "shared") return CONFLICT;
  const description = `Unable to create key with kid "${kid}" in set "${set}" because that kid already exists in the set.`;
  return { status: 409, error: "Conflict", description };
}

/** The first ID that two keys of a new set share. */
function repeatedKid(keys: readonly JsonObject[]): string | undefined {
  const seen = new Set<string>();
  for (const key of keys) {
    const kid = textIn(key, "kid");
    if (seen.has(kid)) return kid;
    seen.add(kid);
  }
  return undefined;
}

/** The object in a body, or what is wrong with it; `type` is what a server's decoder expects. */
function objectIn(body: string, type: string): DecodeOutcome<JsonObject> {
  const parsed = parseFirstJson(body);
  if ("fault" in parsed) return parsed;
  const { value } = parsed;
  if (isJsonObject(value)) return { value };
  return { fault: `json: cannot unmarshal ${jsonKindName(value)} into Go value of type ${type}` };
}

function unknownAlgorithm(behaviour: Behaviour, alg: string): Answer {
  if (behaviour.keys.wording === "shared")
    return errorAnswer(behaviour, { status: 400, error: "Bad Request", description: "Unsupported key algorithm" });
  // The status of the answer and the one in its body differ on this version.
  return { ...errorAnswer(behaviour, unexpectedServerError(behaviour, `Generator ${alg} unknown`)), status: 400 };
}

/** The routes of JSON Web Key sets. */
export function createKeyRoutes({ behaviour, keys, publicUrl }: KeyRoutesOptions) {
  const failed = (error: ApiError): Answer => errorAnswer(behaviour, error);
  const undecodable = (fault: string): Answer =>
    failed(undecodableBodyError(behaviour, behaviour.badCreateBody, fault));

  function create({ id: set, request: { body } }: KeyCall): Answer {
    const given = objectIn(body, "jwk.createRequest");
    if ("fault" in given) return undecodable(given.fault);
    const alg = textIn(given.value, "alg");
    if (!behaviour.keys.generates.includes(alg)) return unknownAlgorithm(behaviour, alg);
    const kid = textIn(given.value, "kid") || randomUUID();
    const made = keys.generate(set, { kid, alg, use: textIn(given.value, "use") });
    const base = behaviour.keys.pairs ? "://" : publicUrl();
    if (made !== undefined) return jsonAnswer(201, { keys: made }, { location: `${base}/keys/${set}` });
    return failed(conflict(behaviour, set, behaviour.keys.pairs ? `private:${kid}` : kid));
  }

  function replace({ id: set, request: { body } }: KeyCall): Answer {
    const given = objectIn(body, "jose.JSONWebKeySet");
    if ("fault" in given) return undecodable(given.fault);
    const decoded = decodeKeySet(given.value, behaviour.keyLibrary);
    if ("fault" in decoded) return undecodable(decoded.fault);
    const list = decoded.keys ?? [];
    const twice = repeatedKid(list);
    if (twice !== undefined) return failed(conflict(behaviour, set, twice));
    keys.replace(set, list);
    return jsonAnswer(200, { keys: list });
  }

  function put({ id: set, request: { body } }: KeyCall): Answer {
    const given = objectIn(body, "jose.rawJSONWebKey");
    if ("fault" in given) return undecodable(given.fault);
    const decoded = decodeKey(given.value, behaviour.keyLibrary);
    if ("fault" in decoded) return undecodable(decoded.fault);
    if (behaviour.keys.needsSet && keys.get(set) === undefined) return failed(noSuchResourceError(behaviour));
    keys.put(set, decoded.key);
    return jsonAnswer(200, decoded.key);
  }

  function read({ id: set }: KeyCall): Answer {
    const found = keys.get(set);
    return found === undefined ? failed(noSuchResourceError(behaviour)) : jsonAnswer(200, { keys: found });
  }

  function readKey({ id: set, kid }: KeyCall): Answer {
    const found = (keys.get(set) ?? []).filter((key) => key["kid"] === kid);
    if (found.length > 0) return jsonAnswer(200, { keys: found });
    return failed(behaviour.keys.wording === "own" ? noSuchResourceError(behaviour) : NOT_FOUND);
  }

  function removeKey({ id: set, kid }: KeyCall): Answer {
    if (behaviour.keys.needsSet && keys.get(set) === undefined) return failed(noSuchResourceError(behaviour));
    keys.remove(set, kid);
    return emptyAnswer(204);
  }

  function removeSet({ id: set }: KeyCall): Answer {
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
