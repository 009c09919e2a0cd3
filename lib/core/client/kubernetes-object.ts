import * as v from "valibot";
import type { JsonObject } from "../json/json.ts";
import { AnyJsonObject, JsonObjectOrEmpty, jsonObjectSchema, TextOrMissing } from "../json/schemas.ts";

/** A Kubernetes object: it has a kind, and an API version, a spec or a metadata with a name. */
const KubernetesObject = v.pipe(
  jsonObjectSchema({
    kind: v.pipe(v.string(), v.nonEmpty()),
    apiVersion: TextOrMissing,
    metadata: v.fallback(jsonObjectSchema({ name: TextOrMissing, namespace: TextOrMissing }), {}),
    spec: v.fallback(v.optional(AnyJsonObject), undefined),
    /** Of a `List`. */
    items: v.fallback(v.optional(v.custom<readonly unknown[]>(Array.isArray)), undefined),
    /** Of a `Secret`. */
    data: JsonObjectOrEmpty,
    stringData: JsonObjectOrEmpty,
  }),
  v.check(({ apiVersion, spec, metadata }) => (apiVersion ?? spec ?? metadata.name) !== undefined),
);

/** A Kubernetes object: the members that all of them have, and those of the kinds that this program reads. */
export type KubernetesObject = v.InferOutput<typeof KubernetesObject>;

/** Reads a Kubernetes object; undefined for any other value. */
export function readKubernetesObject(value: unknown): KubernetesObject | undefined {
  const read = v.safeParse(KubernetesObject, value, { abortEarly: true });
  return read.success ? read.output : undefined;
}

export function isKubernetesObject(value: unknown): value is JsonObject {
  return v.is(KubernetesObject, value);
}

/** The items of a Kubernetes list; undefined for any other object. */
export function itemsOfKubernetesList({ kind, items }: KubernetesObject): readonly unknown[] | undefined {
  return kind.endsWith("List") ? items : undefined;
}

/** Kubernetes objects without a namespace are in this one. */
export const DEFAULT_NAMESPACE = "default";

/** The namespace of an object and its name there, as in `default/web`. */
export function namespacedNameOf(manifest: JsonObject): string {
  const { namespace = DEFAULT_NAMESPACE, name = "" } = readKubernetesObject(manifest)?.metadata ?? {};
  return `${namespace}/${name}`;
}
