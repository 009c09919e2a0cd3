import { isJsonObject, type JsonObject } from "../json/json.ts";
import { X_HYDRA_MEMBER } from "../state/x-hydra-member.ts";
import { joinWords, quote, suggestWord } from "../text.ts";
import { itemsOfKubernetesList, readKubernetesObject } from "./kubernetes-object.ts";
import { classifyFieldName } from "./misnamed-fields.ts";

/** The members of an object that can be a list of clients, the first one first. */
const LISTS = ["items", "clients"] as const;

/**
 * What an object with a list of clients may have besides the list, apart from members that begin with `x-`: what
 * Kubernetes lists have, what `list --format json` prints, and the schema for editors.
 */
export const MEMBERS_BESIDE_LIST: readonly string[] = [
  "apiVersion",
  "kind",
  "metadata",
  "next_page_token",
  "is_last_page",
  "$schema",
];

/** The member of an object that is a list of clients or of Kubernetes objects; undefined for an object of another kind. */
export function findListMember(value: JsonObject): string | undefined {
  const object = readKubernetesObject(value);
  if (object !== undefined) return itemsOfKubernetesList(object) === undefined ? undefined : "items";
  return LISTS.find((name) => Array.isArray(value[name]));
}

/** A member of an object with a list of clients that would be ignored. */
interface StrayMember {
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

/** The members of an object with a list of clients that nothing reads, and whose clients would seem to be in no file. */
export function findStrayMembers(value: JsonObject, list: string): readonly StrayMember[] {
  return Object.keys(value).flatMap((key) => {
    const isAllowed =
      key === list || MEMBERS_BESIDE_LIST.includes(key) || (key.startsWith("x-") && key !== X_HYDRA_MEMBER);
    if (isAllowed) return [];
    const message = `${quote(key)} is not allowed next to a list of ${list}`;
    return [{ key, message, hint: strayMemberHint(key, list) }];
  });
}

function strayMemberHint(key: string, list: string): string {
  if (LISTS.some((name) => name === key)) return `keep all clients in ${list}`;
  const found = classifyFieldName(key);
  if (found.kind === "field" || key === X_HYDRA_MEMBER) return `move it into the clients in ${list}`;
  const near = suggestWord(key, [...LISTS, ...MEMBERS_BESIDE_LIST]);
  if (near !== undefined) return `did you mean ${near}?`;
  if (found.kind === "misspelled") return `did you mean ${found.field}? It belongs in the clients under ${list}`;
  return `remove it; only ${joinWords(MEMBERS_BESIDE_LIST)} and names that begin with x- may be there`;
}

/** A value inside a value of a file, and the keys and positions that lead to it. */
interface InnerValue {
  readonly value: unknown;
  readonly path: readonly (string | number)[];
}

/** An object with a list of clients. */
export interface ClientListObject extends InnerValue {
  readonly value: JsonObject;
  readonly member: string;
}

/** The clients and manifests in a value: of a list its items, and of an object with a list of clients the items of that. */
export function findClientsAndLists(root: unknown): {
  readonly clients: readonly InnerValue[];
  readonly lists: readonly ClientListObject[];
} {
  const clients: InnerValue[] = [];
  const lists: ClientListObject[] = [];
  const visit = (value: unknown, path: InnerValue["path"]): void => {
    if (Array.isArray(value)) {
      value.forEach((item: unknown, at) => {
        visit(item, [...path, at]);
      });
      return;
    }
    const member = isJsonObject(value) ? findListMember(value) : undefined;
    if (member === undefined || !isJsonObject(value)) {
      clients.push({ value, path });
      return;
    }
    lists.push({ value, path, member });
    visit(value[member], [...path, member]);
  };
  visit(root, []);
  return { clients, lists };
}

/** {@link findStrayMembers} of all objects with lists among the values of a file, in lists of lists too. */
export function findAllStrayMembers(values: readonly unknown[]): readonly StrayMember[] {
  return findClientsAndLists(values).lists.flatMap(({ value, member }) => findStrayMembers(value, member));
}
