import { type CertificateFault, type FailureKind, NetworkFailure } from "../../core/network.ts";
import { errorCode, errorMessage } from "../../core/problem.ts";
import { escapeControls } from "../../core/text.ts";

/** All that a runtime says of a server that wants a certificate of the client, too. */
const HANDSHAKE_FAILED =
  "the TLS handshake failed: this port may not speak TLS, or require a client certificate, which is not supported";

/** What the error codes of the runtimes mean, how messages put it, and why a certificate was not accepted. */
const KINDS: readonly (readonly [codes: string, FailureKind, string, CertificateFault["reason"]?])[] = [
  ["ECONNREFUSED ConnectionRefused", "refused", "connection refused"],
  ["FailedToOpenSocket", "refused", "cannot open a connection"],
  ["ENOENT ENOTDIR", "refused", "the socket does not exist"],
  ["EACCES", "refused", "permission denied for the socket"],
  ["ENOTSOCK", "refused", "not a socket"],
  ["ENAMETOOLONG", "refused", "the path of the socket is too long"],
  ["EMFILE", "exhausted", "too many open files in this process (ulimit -n)"],
  ["ENFILE", "exhausted", "too many open files on this machine"],
  ["EHOSTUNREACH", "refused", "no route to the host"],
  ["ENETUNREACH", "refused", "the network is unreachable"],
  ["EADDRNOTAVAIL", "refused", "the address is not reachable from this host"],
  ["ETIMEDOUT", "lost", "the connection timed out"],
  ["ENOTFOUND", "unresolved", "the host name cannot be resolved"],
  ["EAI_AGAIN", "unresolved", "the host name cannot be resolved at the moment"],
  [
    "ECONNRESET ConnectionClosed EPIPE ECONNABORTED UND_ERR_SOCKET",
    "lost",
    "the connection was closed before the response was complete",
  ],
  ["EPROTO ERR_SSL_WRONG_VERSION_NUMBER", "handshake", HANDSHAKE_FAILED],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "certificate", "the certificate is for another host name", "other-host"],
  ["CERT_HAS_EXPIRED", "certificate", "the certificate has expired", "dates"],
  ["CERT_NOT_YET_VALID", "certificate", "the certificate is not valid yet", "dates"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "certificate", "the certificate is self-signed and not trusted", "untrusted"],
  [
    "SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "certificate",
    "the certificate's authority is not trusted",
    "untrusted",
  ],
  ["CERT_SIGNATURE_FAILURE", "certificate", "the certificate's signature is wrong"],
  ["CERT_REVOKED", "certificate", "the certificate is revoked"],
  ["CERT_UNTRUSTED", "certificate", "the certificate is not trusted", "untrusted"],
  ["INVALID_CA", "certificate", "the certificate's authority may not sign"],
];
/** Error codes for responses that cannot be decoded: the server has answered, and repeating the request would not help. */
const UNDECODABLE_RESPONSE_CODE_PATTERN =
  /^(Malformed|Invalid(HTTP|ContentLength|Method)|ResponseHeaders|Unrequested|HPE_|Zlib|Z_|Brotli|Unsupported|HTTPHeaders)/;

/** The failure of a proxy that opens no connection to the server. Only a 5xx may be temporary. */
export function proxyTunnelFailure(status: number | undefined, error?: unknown): NetworkFailure {
  const temporary = status !== undefined && status >= 500;
  const reason = status === 407 ? "requires credentials" : "refused the connection";
  const suffix = status === undefined ? "" : ` (status ${status})`;
  return new NetworkFailure(temporary ? "refused" : "proxy", `the proxy ${reason}${suffix}`, error);
}

export function toNetworkFailure(error: unknown): NetworkFailure {
  const code = errorCode(error) ?? "";
  if (code === "ERR_PROXY_TUNNEL") {
    const status = /: (\d{3})\b/.exec(rootMessage(error))?.[1];
    return proxyTunnelFailure(status === undefined ? undefined : Number(status), error);
  }
  const known = KINDS.find(([codes]) => codes.split(" ").includes(code));
  if (known !== undefined) {
    const [, kind, message, reason] = known;
    return new NetworkFailure(kind, message, error, undefined, reason === undefined ? undefined : { reason });
  }
  const text = rootMessage(error);
  if (UNDECODABLE_RESPONSE_CODE_PATTERN.test(code) || /invalid HTTP|parse error|Parse Error|malformed/i.test(text)) {
    return new NetworkFailure("protocol", "the response is not HTTP", error);
  }
  if (/certificate|self.signed|UnknownIssuer|CaUsedAsEndEntity|NotValidForName/i.test(text)) {
    return new NetworkFailure("certificate", `the certificate is not trusted: ${escapeControls(text)}`, error);
  }
  if (/refused/i.test(text)) return new NetworkFailure("refused", "connection refused", error);
  if (/InvalidContentType|received corrupt message|wrong version number|handshake/i.test(text)) {
    return new NetworkFailure("handshake", HANDSHAKE_FAILED, error);
  }
  return new NetworkFailure("lost", `the connection failed${code === "" ? "" : ` (${code})`}`, error);
}

/** The message of the innermost cause. */
function rootMessage(error: unknown): string {
  let message = "";
  let cause = error;
  for (let depth = 0; cause instanceof Error && depth < 8; depth++) {
    message = errorMessage(cause);
    cause = cause.cause;
  }
  return message;
}
