import { randomBytes, randomUUID } from "node:crypto";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { generateSecret } from "../core/secret.ts";
import { type Draft, decode, parseBody, type Shape } from "./decode.ts";
import {
  CONFLICT,
  malformed,
  misfit,
  NOT_FOUND,
  type Refusal,
  UNKNOWN_OR_UNAUTHORISED,
  unforeseen,
} from "./error-bodies.ts";
import { isTextList } from "./json-value.ts";
import { applyPatch, type PatchDialect } from "./patch.ts";
import { escapedSegment, escapedTwice } from "./request-target.ts";
import { type Field, fieldsOf, ZERO } from "./server-fields.ts";
import { type ClientStore, createStore, type StoredClient } from "./store.ts";
import { validate } from "./validate.ts";
import { BEHAVIOURS, type Behaviour, type SandboxVersion } from "./versions.ts";

/** A client as an answer shows it. */
export interface Shown {
  readonly client: JsonObject;
}

type Result = Shown | Refusal;

/** The operations on the clients of one sandbox. */
export interface Clients {
  readonly store: ClientStore;
  readonly create: (body: string) => Result;
  readonly read: (id: string) => Result;
  readonly replace: (id: string, body: string) => Result;
  readonly patch: (id: string, body: string, dialect: PatchDialect) => Result;
  readonly setLifespans: (id: string, body: string) => Result;
  /** Undefined when the client is gone, or never was where the version does not tell. */
  readonly remove: (id: string) => Refusal | undefined;
  readonly rotate: (id: string) => Result;
  readonly dropRotated: (id: string) => Result;
  readonly seed: (count: number) => void;
}

/** Where a Hydra serves its public port unless told otherwise; the sandbox has no public port of its own. */
const PUBLIC_URL = "http://127.0.0.1:4444";

/** Stands for the hash of the secret in the document that a patch is applied to. */
const SECRET_HASH = "(hash of the secret)";

/** How many secrets that a rotation left behind stay valid. */
const ROTATED_KEPT = 5;

const ROTATING_METHODS = ["client_secret_basic", "client_secret_post"];

/** Fields that are answered once and not kept. */
const FLEETING = ["client_secret", "registration_access_token", "registration_client_uri"];

function random(count: number): Uint8Array {
  return randomBytes(count);
}

function text(draft: Readonly<Draft>, name: string): string {
  const value = draft[name];
  return typeof value === "string" ? value : "";
}

function isEmpty(value: unknown, { kind }: Field): boolean {
  if (value === undefined) return true;
  if (kind === "raw" || kind === "keys") return false;
  return value === "" || value === null || value === false || (Array.isArray(value) && value.length === 0);
}

/** A draft as an answer writes it: in the order of the fields, without those that are left out while empty. */
function written(draft: Readonly<Draft>, fields: readonly Field[]): JsonObject {
  const shown: Record<string, unknown> = {};
  for (const field of fields) {
    const value = draft[field.name];
    if (value === undefined || (field.optional && isEmpty(value, field))) continue;
    shown[field.name] = value;
  }
  return shown;
}

/** A list as it comes back from the database. */
function storedList(list: unknown, { barred }: Behaviour): unknown {
  if (!isTextList(list)) return [];
  return barred && list.length > 0
    ? list
        .join("|")
        .split("|")
        .filter((element) => element !== "")
    : list;
}

function wholeSecond(date: Date): string {
  return `${new Date(Math.round(date.getTime() / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** The registration address of a client: 2.3 and later write it before they have made an id. */
function registrationAddress({ registrationTail, idEscapes }: Behaviour, chosen: string, id: string): string {
  const tail = registrationTail === "id" ? id : chosen;
  const missing = registrationTail === "slash" ? "/" : "";
  const path = idEscapes === 0 ? tail.split("/").map(escapedSegment).join("/") : escapedTwice(tail);
  return `${PUBLIC_URL}/oauth2/register${tail === "" ? missing : `/${path}`}`;
}

function registrationToken(prefix: string): string {
  return `${prefix}${randomBytes(32).toString("base64url")}.${randomBytes(32).toString("base64url")}`;
}

/** Makes the clients of a sandbox, none at first. */
export function createClients(version: SandboxVersion): Clients {
  const behaviour = BEHAVIOURS[version];
  const fields = fieldsOf(version);
  const kept = fields.filter(({ name }) => !FLEETING.includes(name));
  const lists = fields.filter(({ kind }) => kind === "list").map(({ name }) => name);
  const zero: Readonly<Draft> = Object.fromEntries(fields.map(({ name, kind }) => [name, ZERO[kind]]));
  const lifespanFields = fields.filter(({ kind }) => kind === "duration");
  const noLifespans: Readonly<Draft> = Object.fromEntries(lifespanFields.map(({ name }) => [name, null]));
  const store = createStore(behaviour.order);

  const clientShape: Shape = {
    fields: new Map(fields.map((field) => [field.name, field])),
    type: "client.Client",
    listType: behaviour.listType,
    keyLibrary: behaviour.keyLibrary,
    lifespans: "Lifespans.",
  };
  const lifespanShape: Shape = {
    fields: new Map(lifespanFields.map((field) => [field.name, field])),
    type: behaviour.lifespansType,
    listType: behaviour.listType,
    keyLibrary: behaviour.keyLibrary,
    lifespans: "",
  };

  function readBody(
    body: string,
    shape: Shape,
    base: Readonly<Draft>,
    told: Behaviour["createMisfit"],
  ): Draft | Refusal {
    const parsed = parseBody(body);
    if ("misfit" in parsed) return misfit(behaviour, told, parsed.misfit);
    const decoded = decode(parsed.value, shape, base);
    return "misfit" in decoded ? misfit(behaviour, told, decoded.misfit) : decoded.value;
  }

  /** Fills in what the database of later versions does not leave open. */
  function fill(draft: Draft): void {
    if (!behaviour.filled) return;
    draft["audience"] ??= [];
    draft["allowed_cors_origins"] ??= [];
    draft["jwks"] ??= {};
    if (draft["metadata"] === undefined) draft["metadata"] = {};
  }

  /** A draft as later reads show it. */
  function view(draft: Readonly<Draft>): JsonObject {
    if (!behaviour.filled) return written(draft, kept);
    const read: Draft = { ...draft };
    for (const name of lists) read[name] = storedList(read[name], behaviour);
    return written(read, kept);
  }

  function keep(draft: Readonly<Draft>, secrets: readonly string[]): StoredClient {
    const client = {
      id: text(draft, "client_id"),
      name: text(draft, "client_name"),
      owner: text(draft, "owner"),
      view: view(draft),
      secrets,
    };
    store.put(client);
    return client;
  }

  /** What the operation that changes a client starts from: the client as it is stored, with all its fields. */
  function stored({ view: shown }: StoredClient): Draft {
    return { ...zero, ...shown };
  }

  function isPublic(draft: Readonly<Draft>): boolean {
    return draft["token_endpoint_auth_method"] === "none";
  }

  function add(draft: Draft): Result {
    const chosen = text(draft, "client_id");
    if (chosen !== "" && !behaviour.ownId) {
      return malformed(
        "It is no longer possible to set an OAuth2 Client ID as a user. The system will generate a unique ID for you.",
      );
    }
    const secret = text(draft, "client_secret") || generateSecret(random);
    draft["client_secret"] = secret;
    const refusal = validate(draft, behaviour);
    if (refusal !== undefined) return refusal;
    const id = chosen === "" ? randomUUID() : chosen;
    if (store.get(id) !== undefined) return CONFLICT;
    const now = new Date();
    draft["client_id"] = id;
    draft["created_at"] = wholeSecond(now);
    draft["updated_at"] = behaviour.filled ? now.toISOString() : draft["created_at"];
    if (behaviour.tokenPrefix !== undefined) {
      draft["registration_access_token"] = registrationToken(behaviour.tokenPrefix);
      draft["registration_client_uri"] = registrationAddress(behaviour, chosen, id);
    }
    fill(draft);
    keep(draft, [secret]);
    return { client: written(isPublic(draft) ? { ...draft, client_secret: "" } : draft, fields) };
  }

  /** Stores a changed client under the id that the draft has by now. */
  function save(draft: Draft, secrets?: readonly string[]): Result {
    const given = text(draft, "client_secret");
    const refusal = validate(draft, behaviour);
    if (refusal !== undefined) return refusal;
    const before = store.get(text(draft, "client_id"));
    if (before === undefined) return NOT_FOUND;
    const now = new Date();
    fill(draft);
    if (behaviour.filled && draft["created_at"] === ZERO.time) draft["created_at"] = now.toISOString();
    draft["updated_at"] = behaviour.filled ? now.toISOString() : wholeSecond(now);
    const created = behaviour.filled ? before.view["created_at"] : draft["created_at"];
    keep({ ...draft, created_at: created }, secrets ?? (given === "" ? before.secrets : [given]));
    return { client: written(draft, fields) };
  }

  function withClient(id: string, change: (client: StoredClient) => Result): Result {
    const client = store.get(id);
    return client === undefined ? NOT_FOUND : change(client);
  }

  /** A client whose authentication method rotation can serve, changed; anything else is refused. */
  function withRotatingClient(id: string, change: (client: StoredClient) => Result): Result {
    return withClient(id, (client) => {
      const method = text(client.view, "token_endpoint_auth_method");
      if (ROTATING_METHODS.includes(method)) return change(client);
      return malformed(
        `The client is configured to use the "${method}" authentication method, which does not support client secret rotation.`,
      );
    });
  }

  return {
    store,
    create: (body) => {
      const draft = readBody(body, clientShape, zero, behaviour.createMisfit);
      return isRead(draft) ? add(draft) : draft;
    },
    read: (id) => {
      const client = store.get(id);
      if (client !== undefined) return { client: client.view };
      return behaviour.unknownOnGet === 401 ? UNKNOWN_OR_UNAUTHORISED : NOT_FOUND;
    },
    replace: (id, body) => {
      const draft = readBody(body, clientShape, zero, behaviour.updateMisfit);
      return isRead(draft) ? save({ ...draft, client_id: id }) : draft;
    },
    patch: (id, body, dialect) =>
      withClient(id, (client) => {
        const parsed = parseBody(body);
        if ("misfit" in parsed) return unforeseen(behaviour, parsed.misfit);
        const base: Draft = { ...stored(client), client_secret: SECRET_HASH };
        const patched = applyPatch(written(base, fields), parsed.value, dialect);
        if ("misfit" in patched) return unforeseen(behaviour, patched.misfit);
        const decoded = decode(patched.value, clientShape, dialect.keeps ? base : zero);
        if ("misfit" in decoded) return unforeseen(behaviour, decoded.misfit);
        const draft = decoded.value;
        if (draft["client_secret"] === SECRET_HASH) return save({ ...draft, client_secret: "" });
        return save(draft, draft["client_secret"] === "" ? client.secrets.slice(0, 1) : undefined);
      }),
    setLifespans: (id, body) =>
      withClient(id, (client) => {
        const lifespans = readBody(body, lifespanShape, noLifespans, "explained");
        return isRead(lifespans) ? save({ ...stored(client), ...lifespans }) : lifespans;
      }),
    remove: (id) => {
      const found = store.remove(id);
      return found || behaviour.unknownOnDelete === "ignored" ? undefined : NOT_FOUND;
    },
    rotate: (id) =>
      withRotatingClient(id, (client) => {
        const secret = generateSecret(random);
        const draft: Draft = { ...stored(client), client_secret: secret };
        return save(draft, [secret, ...client.secrets.slice(0, ROTATED_KEPT)]);
      }),
    dropRotated: (id) => withRotatingClient(id, (client) => save(stored(client), client.secrets.slice(0, 1))),
    seed: (count) => {
      const draft: Draft = {
        ...zero,
        redirect_uris: ["https://app.example.com/callback"],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        created_at: wholeSecond(new Date()),
        updated_at: wholeSecond(new Date()),
      };
      validate(draft, behaviour);
      fill(draft);
      const shown = view(draft);
      for (let i = 0; i < count; i++) {
        const id = randomUUID();
        const name = `client ${i}`;
        const seeded = { ...shown, client_id: id, client_name: name };
        store.put({ id, name, owner: "", view: seeded, secrets: [generateSecret(random)] });
      }
    },
  };
}

/** Whether a body could be read: a refusal has no client id, a draft of any shape is no refusal. */
function isRead(value: Draft | Refusal): value is Draft {
  return !("error" in value && "status" in value);
}

/** Whether an operation succeeded. */
export function isShown(result: Result): result is Shown {
  return isJsonObject(result) && "client" in result;
}
