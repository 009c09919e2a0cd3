const utf8 = new TextEncoder();

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** The message with its padding and length (FIPS 180-4, section 5.1.1), as 32-bit words. */
function paddedWords(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(((bytes.length + 8) >> 6) * 16 + 16);
  const put = (at: number, byte: number): void => {
    words[at >> 2] = (words[at >> 2] ?? 0) | (byte << (24 - 8 * (at & 3)));
  };
  for (const [at, byte] of bytes.entries()) put(at, byte);
  put(bytes.length, 0x80);
  words[words.length - 1] = bytes.length * 8;
  return words;
}

/** The mixing function and the constant of a round (FIPS 180-4, sections 4.1.1 and 4.2.1). */
function mix(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

/** SHA-1 (FIPS 180-4). Only for UUIDs: it must be computed without waiting, and it protects nothing. */
function sha1(bytes: Uint8Array): readonly number[] {
  const words = paddedWords(bytes);
  let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const schedule = new Uint32Array(80);
  for (let block = 0; block < words.length; block += 16) {
    schedule.set(words.subarray(block, block + 16));
    for (let t = 16; t < 80; t++)
      schedule[t] = rotateLeft(
        (schedule[t - 3] ?? 0) ^ (schedule[t - 8] ?? 0) ^ (schedule[t - 14] ?? 0) ^ (schedule[t - 16] ?? 0),
        1,
      );
    let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
    for (let t = 0; t < 80; t++) {
      const next = (rotateLeft(a, 5) + mix(t, b, c, d) + e + (schedule[t] ?? 0)) | 0;
      [a, b, c, d, e] = [next, a, rotateLeft(b, 30), c, d];
    }
    state = [a, b, c, d, e].map((word, i) => (word + (state[i] ?? 0)) | 0);
  }
  return state.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
}

/** The UUID of a name in a namespace, which is always the same (RFC 9562, section 5.5). */
export function uuidOfName(namespace: string, name: string): string {
  const prefix = (namespace.replaceAll("-", "").match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  const hash = sha1(Uint8Array.from([...prefix, ...utf8.encode(name)])).slice(0, 16);
  const bytes = hash.map((byte, at) => (at === 6 ? (byte & 0x0f) | 0x50 : at === 8 ? (byte & 0x3f) | 0x80 : byte));
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The namespace of the IDs that `hydra apply` derives, a random UUID. */
const NAMESPACE = "5d3a0f8c-7c0e-4b0d-9a55-0c1b6f6f2f0e";

/** The client ID of a stack and a key, so that two runs at once conflict instead of creating two clients. */
export function deriveClientId(stack: string, key: string): string {
  return uuidOfName(NAMESPACE, JSON.stringify([stack, key]));
}
