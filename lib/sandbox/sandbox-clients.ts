import { randomBytes, randomUUID } from "node:crypto";
import { isStringList, type JsonObject } from "../core/json/json.ts";
import { generateSecret } from "../core/secret.ts";
import {
  CONFLICT,
  malformedRequestError,
  NOT_FOUND,
  UNKNOWN_OR_UNAUTHORIZED,
  undecodableBodyError,
  unexpectedServerError,
} from "./api-errors.ts";
import { type ClientStore, createClientStore, type StoredClient } from "./client-store.ts";
import { type BodyShape, decodeIntoDraft, parseFirstJson, type SandboxClientDraft } from "./decode-body.ts";
import { escapePathSegment, escapePathSegmentTwice } from "./go-url.ts";
import { InputFault } from "./input-fault.ts";
import { stringMemberOrEmpty } from "./json-members.ts";
import { applyPatch, type PatchDialect } from "./patch.ts";
import { randomTokenWithPrefix } from "./public/token-store.ts";
import { fieldsOfVersion, type ServerField, ZERO_VALUES } from "./server-fields.ts";
import { validateDraftAndSetDefaults } from "./validate-client.ts";
import { BEHAVIOUR_BY_VERSION, type Behaviour, type SandboxVersion } from "./versions.ts";

/** The hash of the secret in the document that a patch is applied to. */
const SECRET_HASH = "(hash of the secret)";

/** How many old secrets stay valid after rotations. */
const ROTATED_KEPT = 5;

const ROTATING_METHODS = ["client_secret_basic", "client_secret_post"];

/** Fields that are returned once and not stored. */
const FLEETING = ["client_secret", "registration_access_token", "registration_client_uri"];

/** Whether a value counts as empty for the kind of its field. */
function isEmptyFieldValue(value: unknown, { kind }: ServerField): boolean {
  if (kind === "raw" || kind === "keys") return false;
  return value === "" || value === null || value === false || (Array.isArray(value) && value.length === 0);
}

/** The members of a draft in an answer, in the order of the fields, without those that are omitted while empty. */
function clientAnswerMembers(draft: Readonly<SandboxClientDraft>, fields: readonly ServerField[]): JsonObject {
  const shown: Record<string, unknown> = {};
  for (const field of fields) {
    const value = draft[field.name];
    if (value === undefined || (field.optional === true && isEmptyFieldValue(value, field))) continue;
    shown[field.name] = value;
  }
  return shown;
}

/** A list as it comes back from the database. */
function listAsReadFromDatabase(list: unknown, { joinsLists }: Behaviour): unknown {
  if (!isStringList(list)) return [];
  return joinsLists && list.length > 0
    ? list
        .join("|")
        .split("|")
        .filter((element) => element !== "")
    : list;
}

/** A time rounded to a second, as the servers write it. */
function formatToWholeSecond(date: Date): string {
  return `${new Date(Math.round(date.getTime() / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** The path of a client's registration URI; 2.3 and later write it before the ID is generated. */
function registrationPath({ registrationTail, idEscapes }: Behaviour, chosen: string, id: string): string {
  const tail = registrationTail === "id" ? id : chosen;
  const missing = registrationTail === "slash" ? "/" : "";
  const path = idEscapes === 0 ? tail.split("/").map(escapePathSegment).join("/") : escapePathSegmentTwice(tail);
  return `/oauth2/register${tail === "" ? missing : `/${path}`}`;
}

/** What the clients of a version consist of. */
type ClientModel = ReturnType<typeof clientModelOfVersion>;

function clientModelOfVersion(version: SandboxVersion) {
  const behaviour = BEHAVIOUR_BY_VERSION[version];
  const { listType, keyLibrary } = behaviour;
  const fields = fieldsOfVersion(version);
  const lifespans = fields.filter(({ kind }) => kind === "duration");
  const byName = (some: readonly ServerField[]) => new Map(some.map((field) => [field.name, field]));
  const clientShape = { fields: byName(fields), type: "client.Client", listType, keyLibrary, lifespans: "Lifespans." };
  return {
    behaviour,
    fields,
    /** The fields that are stored. */
    kept: fields.filter(({ name }) => !FLEETING.includes(name)),
    lists: fields.filter(({ kind }) => kind === "list").map(({ name }) => name),
    /** A client without any values. */
    zero: Object.fromEntries(fields.map(({ name, kind }) => [name, ZERO_VALUES[kind]])),
    noLifespans: Object.fromEntries(lifespans.map(({ name }) => [name, null])),
    clientShape,
    lifespanShape: { ...clientShape, fields: byName(lifespans), type: behaviour.lifespansType, lifespans: "" },
  };
}

/** Sets in a draft what the database of later versions does not leave open. */
function setDatabaseDefaults(draft: SandboxClientDraft, { fillsEmpty }: Behaviour): void {
  if (!fillsEmpty) return;
  draft["audience"] ??= [];
  draft["allowed_cors_origins"] ??= [];
  draft["jwks"] ??= {};
  if (draft["metadata"] === undefined) draft["metadata"] = {};
}

/** The client as later reads show it. */
function clientViewOfDraft(draft: Readonly<SandboxClientDraft>, { behaviour, kept, lists }: ClientModel): JsonObject {
  if (!behaviour.fillsEmpty) return clientAnswerMembers(draft, kept);
  const read: SandboxClientDraft = { ...draft };
  for (const name of lists) read[name] = listAsReadFromDatabase(read[name], behaviour);
  return clientAnswerMembers(read, kept);
}

/** The clients of one sandbox and the operations on them, which return a client as an answer shows it, or throw an `ApiError`. */
export class SandboxClients {
  readonly store: ClientStore;
  readonly #model: ClientModel;
  readonly #behaviour: Behaviour;
  readonly #publicUrl: () => string;
  readonly #onRemoved: (id: string) => void;

  /**
   * @param publicUrl the public port's URL, where a client could read and change its own registration.
   * @param onRemoved called with the ID of each client that was deleted.
   */
  constructor(version: SandboxVersion, publicUrl: () => string, onRemoved: (id: string) => void) {
    this.#publicUrl = publicUrl;
    this.#onRemoved = onRemoved;
    this.#model = clientModelOfVersion(version);
    this.#behaviour = this.#model.behaviour;
    this.store = createClientStore(this.#behaviour.order);
  }

  create(body: string): JsonObject {
    return this.#add(this.#readBody(body, this.#model.clientShape, this.#model.zero, this.#behaviour.badCreateBody));
  }

  read(id: string): JsonObject {
    const client = this.store.get(id);
    if (client !== undefined) return client.view;
    throw this.#behaviour.unknownOnGet === 401 ? UNKNOWN_OR_UNAUTHORIZED : NOT_FOUND;
  }

  replace(id: string, body: string): JsonObject {
    const draft = this.#readBody(body, this.#model.clientShape, this.#model.zero, this.#behaviour.badUpdateBody);
    return this.#save({ ...draft, client_id: id });
  }

  patch(id: string, body: string, dialect: PatchDialect): JsonObject {
    const client = this.#require(id);
    const draft = this.#patched(this.#fromStore(client), body, dialect);
    if (draft["client_secret"] === SECRET_HASH) return this.#save({ ...draft, client_secret: "" });
    return this.#save(draft, draft["client_secret"] === "" ? client.secrets.slice(0, 1) : undefined);
  }

  setLifespans(id: string, body: string): JsonObject {
    const client = this.#require(id);
    const lifespans = this.#readBody(body, this.#model.lifespanShape, this.#model.noLifespans, "explained");
    return this.#save({ ...this.#fromStore(client), ...lifespans });
  }

  remove(id: string): void {
    if (this.store.remove(id)) this.#onRemoved(id);
    else if (this.#behaviour.unknownOnDelete === "rejected") throw NOT_FOUND;
  }

  rotate(id: string): JsonObject {
    const client = this.#requireRotating(id);
    const secret = generateSecret(randomBytes);
    const draft: SandboxClientDraft = { ...this.#fromStore(client), client_secret: secret };
    return this.#save(draft, [secret, ...client.secrets.slice(0, ROTATED_KEPT)]);
  }

  dropRotated(id: string): JsonObject {
    const client = this.#requireRotating(id);
    return this.#save(this.#fromStore(client), client.secrets.slice(0, 1));
  }

  seed(count: number): void {
    const now = formatToWholeSecond(new Date());
    const draft: SandboxClientDraft = {
      ...this.#model.zero,
      redirect_uris: ["https://app.example.com/callback"],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      created_at: now,
      updated_at: now,
    };
    validateDraftAndSetDefaults(draft, this.#behaviour);
    setDatabaseDefaults(draft, this.#behaviour);
    const view = clientViewOfDraft(draft, this.#model);
    for (let i = 0; i < count; i++) {
      const id = randomUUID();
      const seeded = { ...view, client_id: id, client_name: `client ${i}` };
      this.store.put({ id, view: seeded, secrets: [generateSecret(randomBytes)] });
    }
  }

  #readBody(
    body: string,
    shape: BodyShape,
    base: Readonly<SandboxClientDraft>,
    report: Behaviour["badCreateBody"],
  ): SandboxClientDraft {
    try {
      return decodeIntoDraft(parseFirstJson(body), shape, base);
    } catch (error) {
      throw error instanceof InputFault ? undecodableBodyError(this.#behaviour, report, error.message) : error;
    }
  }

  #patched(stored: Readonly<SandboxClientDraft>, body: string, dialect: PatchDialect): SandboxClientDraft {
    const { clientShape, fields, zero } = this.#model;
    const base: SandboxClientDraft = { ...stored, client_secret: SECRET_HASH };
    try {
      const patched = applyPatch(clientAnswerMembers(base, fields), parseFirstJson(body), dialect);
      return decodeIntoDraft(patched, clientShape, dialect.keepsRemoved ? base : zero);
    } catch (error) {
      throw error instanceof InputFault ? unexpectedServerError(this.#behaviour, error.message) : error;
    }
  }

  /** A stored client with all its fields, as the start of a change. */
  #fromStore({ view }: StoredClient): SandboxClientDraft {
    return { ...this.#model.zero, ...view };
  }

  #add(draft: SandboxClientDraft): JsonObject {
    const chosen = stringMemberOrEmpty(draft, "client_id");
    if (chosen !== "" && !this.#behaviour.ownId) {
      throw malformedRequestError(
        "It is no longer possible to set an OAuth2 Client ID as a user. The system will generate a unique ID for you.",
      );
    }
    const secret = stringMemberOrEmpty(draft, "client_secret") || generateSecret(randomBytes);
    draft["client_secret"] = secret;
    validateDraftAndSetDefaults(draft, this.#behaviour);
    const id = chosen === "" ? randomUUID() : chosen;
    if (this.store.get(id) !== undefined) throw CONFLICT;
    this.#stamp(draft, chosen, id);
    setDatabaseDefaults(draft, this.#behaviour);
    this.#put(draft, [secret]);
    const isPublic = draft["token_endpoint_auth_method"] === "none";
    return clientAnswerMembers(isPublic ? { ...draft, client_secret: "" } : draft, this.#model.fields);
  }

  /** Sets what the server decides about a new client. */
  #stamp(draft: SandboxClientDraft, chosen: string, id: string): void {
    const { fillsEmpty, tokenPrefix } = this.#behaviour;
    const now = new Date();
    draft["client_id"] = id;
    draft["created_at"] = formatToWholeSecond(now);
    draft["updated_at"] = fillsEmpty ? now.toISOString() : draft["created_at"];
    if (tokenPrefix === undefined) return;
    draft["registration_access_token"] = randomTokenWithPrefix(tokenPrefix);
    draft["registration_client_uri"] = `${this.#publicUrl()}${registrationPath(this.#behaviour, chosen, id)}`;
  }

  /** Stores a changed client under the ID in the draft. */
  #save(draft: SandboxClientDraft, secrets?: readonly string[]): JsonObject {
    const { fillsEmpty } = this.#behaviour;
    const given = stringMemberOrEmpty(draft, "client_secret");
    validateDraftAndSetDefaults(draft, this.#behaviour);
    const before = this.#require(stringMemberOrEmpty(draft, "client_id"));
    const now = new Date();
    setDatabaseDefaults(draft, this.#behaviour);
    if (fillsEmpty && draft["created_at"] === ZERO_VALUES.time) draft["created_at"] = now.toISOString();
    draft["updated_at"] = fillsEmpty ? now.toISOString() : formatToWholeSecond(now);
    const created = fillsEmpty ? before.view["created_at"] : draft["created_at"];
    this.#put({ ...draft, created_at: created }, secrets ?? (given === "" ? before.secrets : [given]));
    return clientAnswerMembers(draft, this.#model.fields);
  }

  #put(draft: Readonly<SandboxClientDraft>, secrets: readonly string[]): void {
    this.store.put({
      id: stringMemberOrEmpty(draft, "client_id"),
      view: clientViewOfDraft(draft, this.#model),
      secrets,
    });
  }

  #require(id: string): StoredClient {
    const client = this.store.get(id);
    if (client === undefined) throw NOT_FOUND;
    return client;
  }

  /** A client whose authentication method supports rotation. */
  #requireRotating(id: string): StoredClient {
    const client = this.#require(id);
    const method = stringMemberOrEmpty(client.view, "token_endpoint_auth_method");
    if (ROTATING_METHODS.includes(method)) return client;
    throw malformedRequestError(
      `The client is configured to use the "${method}" authentication method, which does not support client secret rotation.`,
    );
  }
}
