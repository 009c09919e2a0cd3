import { concatBytes } from "../../core/bytes.ts";
import { NetworkFailure } from "../../core/network.ts";
import { errorCode } from "../../core/problem.ts";

/** Bodies up to this many bytes are read at once: 1 MiB. */
const SMALL_BODY = 1024 * 1024;

/** The body of a response, decompressed; fails once it is longer than `maxBytes` or the signal aborts. */
export async function readResponseBytes(
  response: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const encoding = response.headers.get("content-encoding");
  return decompressBody(await readBytesBeforeDecompression(response, maxBytes, signal), encoding, maxBytes);
}

async function readBytesBeforeDecompression(
  response: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { body, headers } = response;
  if (body === null) return new Uint8Array();
  const aborted = rejectWhenAborted(signal);
  // Reading a small body of known length at once takes half the time of reading it in chunks.
  if (statedLength(headers) <= Math.min(maxBytes, SMALL_BODY) && headers.get("content-encoding") === null) {
    const bytes = new Uint8Array(await Promise.race([response.arrayBuffer(), aborted]));
    if (bytes.length > maxBytes) throw tooLargeFailure(maxBytes);
    return bytes;
  }
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await Promise.race([reader.read(), aborted]);
    if (done) return concatBytes(chunks);
    total += value.length;
    if (total > maxBytes) {
      reader.cancel().catch(() => {});
      throw tooLargeFailure(maxBytes);
    }
    chunks.push(value);
  }
}

/** The length that limits a body; NaN if there is none. The length doesn't count if the body is chunked (RFC 9112, 6.3). */
function statedLength(headers: Headers): number {
  const length = headers.get("content-length") ?? "";
  return headers.get("transfer-encoding") === null && /^\d+$/.test(length) ? Number(length) : Number.NaN;
}

/** Rejects when a signal aborts: the runtime doesn't always end a pending read then. */
function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  aborted.catch(() => {});
  return aborted;
}

function tooLargeFailure(maxBytes: number): NetworkFailure {
  return new NetworkFailure("too-large", `the response is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB`);
}

/**
 * Undoes the content codings of a body (RFC 9110, 8.4). No request asks for one, but some proxies compress anyway. An
 * unknown coding is left to the code that interprets the body.
 */
async function decompressBody(bytes: Uint8Array, encoding: string | null, maxBytes: number): Promise<Uint8Array> {
  if (encoding === null || bytes.length === 0) return bytes;
  const { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } = await import("node:zlib");
  const limit = { maxOutputLength: maxBytes };
  const decoders = new Map<string, (coded: Uint8Array) => Uint8Array>([
    ["gzip", (coded) => gunzipSync(coded, limit)],
    ["x-gzip", (coded) => gunzipSync(coded, limit)],
    ["deflate", (coded) => inflateSync(coded, limit)],
    ["br", (coded) => brotliDecompressSync(coded, limit)],
    ["zstd", (coded) => zstdDecompressSync(coded, limit)],
  ]);
  let plain = bytes;
  for (const coding of encoding.toLowerCase().split(",").reverse()) {
    try {
      plain = decoders.get(coding.trim())?.(plain) ?? plain;
    } catch (error) {
      if (errorCode(error) === "ERR_BUFFER_TOO_LARGE") throw tooLargeFailure(maxBytes);
      const message = `the response does not match its Content-Encoding (${coding.trim()})`;
      throw new NetworkFailure("protocol", message, error);
    }
  }
  return plain;
}
