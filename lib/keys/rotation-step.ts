import type { KeySetsApi } from "../adapters/admin/key-sets.ts";
import type { JsonWebKey } from "../core/jwk/json-web-key.ts";
import type { SetAndKeyPairStorage } from "./key-pair-storage.ts";
import type { SigningState } from "./signing-state.ts";

/** A set that is rotated, as it was before. */
export interface SetToRotate extends SetAndKeyPairStorage {
  /** Its keys, the newest first. */
  readonly keys: readonly JsonWebKey[];
  readonly state: SigningState;
}

/** One change of a set, how it is undone, and which key signs afterwards. */
export interface RotationStep {
  /** The key that the step is about. */
  readonly kid: string;
  readonly change: (api: KeySetsApi) => Promise<void>;
  readonly undo: (api: KeySetsApi) => Promise<void>;
  /** The key that must sign a login after the change, as tokens name it; the same as before if undefined. */
  readonly expected?: string;
}
