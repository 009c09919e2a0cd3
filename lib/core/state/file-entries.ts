import { getTextField } from "../client/client.ts";
import { findListMember } from "../client/client-list-members.ts";
import { looksLikeClient } from "../client/field-name-findings.ts";
import { isKubernetesObject, namespacedNameOf } from "../client/kubernetes-object.ts";
import { MANIFEST_KIND } from "../client/translate-manifests.ts";
import { isJsonObject, type JsonObject } from "../json/json.ts";
import { replaceKnownPlaceholders, type VariableLookup } from "./placeholder-values.ts";
import { X_HYDRA_MEMBER } from "./x-hydra-member.ts";

/** The keys and positions that lead to a value of a file, from the number of its document on. */
export type DocumentNumberAndPath = readonly [document: number, ...steps: (string | number)[]];

/** An object in a file of clients: a client, or a Kubernetes object. */
export interface FileEntry {
  readonly path: DocumentNumberAndPath;
  readonly written: JsonObject;
}

/** What a file of clients contains. */
interface EntriesAndFirstList {
  readonly entries: readonly FileEntry[];
  /** The first list that further clients can be added to. */
  readonly list: DocumentNumberAndPath | undefined;
}

/** The clients and Kubernetes objects among the values of a file; anything else isn't one of its entries. */
export function findEntriesAndFirstList(values: readonly unknown[]): EntriesAndFirstList {
  const entries: FileEntry[] = [];
  const lists: DocumentNumberAndPath[] = [];
  const visit = (value: unknown, path: DocumentNumberAndPath): void => {
    if (Array.isArray(value)) {
      lists.push(path);
      value.forEach((item: unknown, at) => {
        if (!Array.isArray(item)) visit(item, [...path, at]);
      });
    } else if (isJsonObject(value)) {
      const list = findListMember(value);
      if (list === undefined) entries.push({ path, written: value });
      else visit(value[list], [...path, list]);
    }
  };
  values.forEach((value, document) => {
    visit(value, [document]);
  });
  return { entries: entries.filter(({ written }) => isClientOrKubernetesObject(written)), list: lists[0] };
}

function isClientOrKubernetesObject(value: JsonObject): boolean {
  return isKubernetesObject(value) || looksLikeClient(value, true) || Object.hasOwn(value, X_HYDRA_MEMBER);
}

/** The name of a path's file without its folders and its ending. */
function stemOf(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(0, dot) : name;
}

/** The name of a client of a file inside its stack: as given, else its ID, else the name of the file. */
export function stackKeyOfEntry(written: JsonObject, file: string): string {
  const settings = written[X_HYDRA_MEMBER];
  const given = isJsonObject(settings) ? getTextField(settings, "key") : undefined;
  return given || getTextField(written, "client_id") || stemOf(file);
}

/** What identifies an entry, with its placeholders replaced. */
export function identifyingMembers(written: JsonObject, variables: VariableLookup): JsonObject {
  const { kind, apiVersion, metadata, client_id: id, [X_HYDRA_MEMBER]: settings } = written;
  const members = isKubernetesObject(written)
    ? { kind, apiVersion, metadata }
    : { client_id: id, [X_HYDRA_MEMBER]: settings };
  const replaced = replaceKnownPlaceholders(members, variables);
  return isJsonObject(replaced) ? replaced : {};
}

/** A name that two entries share only if they describe the same client: an ID, else a key, or that of a manifest. */
export function uniqueNameOfEntry(written: JsonObject, file: string): string {
  if (isKubernetesObject(written)) return uniqueNameOfManifest(written);
  const id = getTextField(written, "client_id") ?? "";
  return id === "" ? uniqueNameOfStackKey(stackKeyOfEntry(written, file)) : uniqueNameOfClientId(id);
}

/** {@link uniqueNameOfEntry} of a client with an ID. */
export function uniqueNameOfClientId(id: string): string {
  return `id ${id}`;
}

/** {@link uniqueNameOfEntry} of a client without an ID. */
export function uniqueNameOfStackKey(key: string): string {
  return `key ${key}`;
}

/** {@link uniqueNameOfEntry} of a manifest; without a namespace it is in `default`. */
export function uniqueNameOfManifest(manifest: JsonObject): string {
  return `${getTextField(manifest, "kind") ?? ""} ${namespacedNameOf(manifest)}`;
}

/** {@link uniqueNameOfManifest} of the manifest of a client, by its key in the stack. */
export function uniqueNameOfManifestKey(key: string): string {
  return `${MANIFEST_KIND} ${key}`;
}

/** A value with one inside it changed. */
export function withValueChangedAt(
  value: unknown,
  [step, ...rest]: readonly (string | number)[],
  change: (value: unknown) => unknown,
): unknown {
  if (step === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((item: unknown, at) => (at === step ? withValueChangedAt(item, rest, change) : item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === step ? withValueChangedAt(member, rest, change) : member,
    ]),
  );
}
