import { isJsonObject, type JsonObject, objectOrEmpty } from "../json/json.ts";
import {
  isKubernetesNamespace,
  isKubernetesSecretName,
  kubernetesNameForClientId,
} from "../output/credential-formats.ts";
import { quote } from "../text.ts";
import { getListField, getTextField } from "./client.ts";
import { canonicalValue, isEmptyOrFalse } from "./equality.ts";
import { AUTH_METHODS, FIELD_BY_NAME } from "./fields.ts";
import { type ManifestName, parseManifestOwner } from "./manifest-name.ts";
import { RESPONSE_TYPES } from "./protocol-names.ts";
import { CLIENT_FIELD_BY_SPEC_KEY, MANIFEST_KIND } from "./translate-manifests.ts";

/** The version of the API of hydra-maester that all of its releases have. */
const API_VERSION = "hydra.ory.sh/v1alpha1";

/** The grant types that the CRD allows. */
const GRANT_TYPES: readonly string[] = ["client_credentials", "authorization_code", "implicit", "refresh_token"];

/** How many response types the CRD allows. */
const MOST_RESPONSE_TYPES = 3;

/** The texts that the CRD allows for some fields. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  access_token_strategy: ["jwt", "opaque"],
  subject_type: ["public", "pairwise"],
  token_endpoint_auth_method: AUTH_METHODS,
};

/** The lists of URIs, whose items the CRD checks with the pattern {@link CRD_LIST_URI_PATTERN}. */
const URI_LISTS: readonly string[] = [
  "redirect_uris",
  "post_logout_redirect_uris",
  "allowed_cors_origins",
  "request_uris",
];

const CRD_LIST_URI_PATTERN = /[A-Za-z0-9_]+:\/?\/?[^\s]+/;

/** The pattern of other URIs in the CRD. Its dot does not match line breaks. */
const CRD_HTTP_URI_PATTERN = /^https?:\/\/.*/;

const CRD_DURATION_PATTERN = /[0-9]+(?:ns|us|ms|s|m|h)/;

/** Lifespans that the CRD doesn't have. */
const LIFESPAN_FIELD_MISSING_IN_CRD_PATTERN = /^(?:device_authorization|password)_grant_/;

/** The names in `spec` by client field; of two spellings the later is that of the CRD. */
const SPEC_NAMES: ReadonlyMap<string, string> = new Map(
  [...CLIENT_FIELD_BY_SPEC_KEY].map(([name, field]) => [field, name]),
);

/** A client as a manifest of hydra-maester. */
interface ManifestAndUnfitFields {
  /** Undefined if the CRD has no manifest for such a client. */
  readonly manifest: JsonObject | undefined;
  /** What the manifest doesn't say about the client, for messages. */
  readonly unfit: readonly string[];
}

/** The values of a manifest's `spec` that fit, and what doesn't. */
interface SpecAndUnfitFields {
  readonly spec: Record<string, unknown>;
  readonly unfit: string[];
}

/**
 * Writes a client as an `OAuth2Client` manifest, with what its CRD accepts. The name is that of the owner if hydra-maester
 * wrote it, else one from the client ID; the Secret has the same name.
 */
export function buildMaesterManifest(client: JsonObject, isProtected: boolean): ManifestAndUnfitFields {
  const fitting: SpecAndUnfitFields = { spec: {}, unfit: [] };
  const name = manifestNameOf(client);
  for (const [field, value] of Object.entries(client)) {
    // An empty key set, for example, is not one.
    const isSet = !isEmptyOrFalse(value) && canonicalValue(field, value) !== undefined;
    if (field !== "client_id" && isSet) addFittingField(field, value, fitting);
  }
  const grants = collectFittingGrantTypes(client, fitting.unfit);
  reportUnfitOwner(client, name, fitting.unfit);
  if (grants.length === 0) return { manifest: undefined, unfit: fitting.unfit };
  const spec = {
    grantTypes: grants,
    ...fitting.spec,
    ...(isProtected ? { deletionPolicy: "orphan" } : {}),
    secretName: name.name,
  };
  return { manifest: { apiVersion: API_VERSION, kind: MANIFEST_KIND, metadata: name, spec }, unfit: fitting.unfit };
}

/** The name of a client's manifest. */
function manifestNameOf(client: JsonObject): ManifestName {
  const own = parseManifestOwner(getTextField(client, "owner"));
  if (own !== undefined && isKubernetesSecretName(own.name) && isKubernetesNamespace(own.namespace)) return own;
  return { name: kubernetesNameForClientId(getTextField(client, "client_id") ?? "") };
}

function reportUnfitOwner(client: JsonObject, { name, namespace = "default" }: ManifestName, unfit: string[]): void {
  const owner = getTextField(client, "owner") ?? "";
  if (owner !== "" && owner !== `${name}/${namespace}`)
    unfit.push(`owner ${quote(owner)}, because hydra-maester writes NAME/NAMESPACE there`);
}

function collectFittingGrantTypes(client: JsonObject, unfit: string[]): readonly string[] {
  const canonical = canonicalValue("grant_types", client["grant_types"]);
  const grants = getListField({ grants: canonical }, "grants");
  const others = grants.filter((grant) => !GRANT_TYPES.includes(grant));
  if (others.length > 0) unfit.push(`grant_types ${others.map(quote).join(", ")}`);
  return getListField(client, "grant_types").length === 0
    ? grants
    : [...new Set(getListField(client, "grant_types"))].filter((grant) => GRANT_TYPES.includes(grant));
}

/** Adds a field to the spec as far as it fits. */
function addFittingField(field: string, value: unknown, { spec, unfit }: SpecAndUnfitFields): void {
  const name = SPEC_NAMES.get(field);
  if (field === "grant_types" || field === "owner") return;
  if (field === "scope") {
    spec["scopeArray"] = String(value)
      .split(" ")
      .filter((word) => word !== "");
  } else if (field.endsWith("_token_lifespan")) {
    addFittingLifespan(field, value, { spec, unfit });
  } else if (field === "jwks" || name === undefined) {
    unfit.push(field);
  } else if (FIELD_BY_NAME.get(field)?.shape === "list") {
    addFittingList(field, name, getListField({ list: value }, "list"), { spec, unfit });
  } else if (isAllowedByCrd(field, value)) {
    spec[name] = field === "access_token_strategy" ? String(value).toLowerCase() : value;
  } else {
    unfit.push(typeof value === "string" ? `${field} ${quote(value)}` : field);
  }
}

function isAllowedByCrd(field: string, value: unknown): boolean {
  if (field === "metadata") return isJsonObject(value);
  if (FIELD_BY_NAME.get(field)?.shape === "boolean") return typeof value === "boolean";
  if (typeof value !== "string") return false;
  if (field.endsWith("_uri")) return CRD_HTTP_URI_PATTERN.test(value);
  return CHOICES[field]?.includes(field === "access_token_strategy" ? value.toLowerCase() : value) ?? true;
}

function addFittingList(
  field: string,
  name: string,
  items: readonly string[],
  { spec, unfit }: SpecAndUnfitFields,
): void {
  const forms = field === "response_types" ? items.map(toCrdResponseType) : items;
  const allowed = (item: string): boolean =>
    field === "response_types"
      ? RESPONSE_TYPES.includes(item)
      : !URI_LISTS.includes(field) || CRD_LIST_URI_PATTERN.test(item);
  const fitting = [...new Set(forms.filter(allowed))];
  const most = field === "response_types" ? MOST_RESPONSE_TYPES : Number.POSITIVE_INFINITY;
  const others = [...forms.filter((item) => !allowed(item)), ...fitting.slice(most)];
  if (others.length > 0) unfit.push(`${field} ${others.map(quote).join(", ")}`);
  if (fitting.length > 0) spec[name] = fitting.slice(0, most);
}

/** A response type in the only spelling that the CRD accepts: the order of the words has no meaning. */
function toCrdResponseType(type: string): string {
  const sorted = (text: string): string => text.split(" ").sort().join(" ");
  return RESPONSE_TYPES.find((known) => sorted(known) === sorted(type)) ?? type;
}

function addFittingLifespan(field: string, value: unknown, { spec, unfit }: SpecAndUnfitFields): void {
  // Go prints microseconds with a µ, which the pattern of the CRD doesn't have.
  const text = String(value).replaceAll("µs", "us");
  if (LIFESPAN_FIELD_MISSING_IN_CRD_PATTERN.test(field) || !CRD_DURATION_PATTERN.test(text)) {
    unfit.push(`${field} ${quote(text)}`);
    return;
  }
  spec["tokenLifespans"] = { ...objectOrEmpty(spec["tokenLifespans"]), [field]: text };
}
