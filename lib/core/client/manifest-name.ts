/** The name of a manifest in a cluster. */
export interface ManifestName {
  readonly name: string;
  readonly namespace?: string;
}

/** The manifest that a client is from: hydra-maester writes `NAME/NAMESPACE` into the owner. Undefined for any other owner. */
export function parseManifestOwner(owner: string | undefined): Required<ManifestName> | undefined {
  const [, name, namespace] = /^([a-z0-9.-]{1,253})\/([a-z0-9-]{1,63})$/.exec(owner ?? "") ?? [];
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}
