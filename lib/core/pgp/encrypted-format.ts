/** The encodings of an encrypted text: base64 of the binary message, armor, base64 of the armored text. */
export const ENCRYPTED_FORMATS = ["base64", "armor", "base64-armor"] as const;

/** One of {@link ENCRYPTED_FORMATS}. */
export type EncryptedFormat = (typeof ENCRYPTED_FORMATS)[number];
