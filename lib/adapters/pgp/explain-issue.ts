import { isV6Fingerprint } from "../../core/pgp/recipient.ts";
import { Problem } from "../../core/problem.ts";
import { escapeControls, quote } from "../../core/text.ts";
import type { EvaluatedAndUnreadableKeys, KeyIssue, KeyReport, UnreadableKey } from "./key-report.ts";

/** What to do about each issue, and the command for it if GnuPG supports the key. */
const HINTS: Readonly<Record<string, readonly [hint: string, command?: (fingerprint: string) => string]>> = {
  "pgp-key-private": [
    "treat it as exposed if it was on a command line or in a log, and export the public key",
    (fpr) => `gpg --export --armor ${fpr}`,
  ],
  "pgp-key-revoked": ["ask its owner for the key that replaced it"],
  "pgp-key-weak": ["ask its owner for a newer key (RSA of 3072 bits, or Curve25519)"],
  "pgp-key-sha1": [
    "ask its owner to sign it again and export it",
    (fpr) =>
      `gpg --cert-digest-algo SHA256 --quick-set-expire ${fpr} 1y && gpg --cert-digest-algo SHA256 --quick-set-expire ${fpr} 1y '*'`,
  ],
  "pgp-key-not-yet-valid": ["check the clock of this machine"],
  "pgp-key-expired": [
    "ask its owner to extend it and export it again",
    (fpr) => `gpg --quick-set-expire ${fpr} 1y && gpg --quick-set-expire ${fpr} 1y '*'`,
  ],
  "pgp-key-sign-only": [
    "ask its owner to add an encryption subkey and export it again",
    (fpr) => `gpg --quick-add-key ${fpr}`,
  ],
  "pgp-key-no-user-id": ["ask its owner for the whole key", (fpr) => `gpg --export --armor ${fpr}`],
  "pgp-key-unsupported": ["ask its owner for a Curve25519 subkey", (fpr) => `gpg --quick-add-key ${fpr} cv25519 encr`],
  "pgp-key-invalid": ["export it again from where it was created", (fpr) => `gpg --export --armor ${fpr}`],
};

export function issueHint(issue: KeyIssue, fingerprint: string): string {
  const [hint, command] = HINTS[issue.code] ?? ["use another key"];
  return command === undefined || isV6Fingerprint(fingerprint) ? hint : `${hint}: ${command(fingerprint)}`;
}

export function fingerprintAndUserIdText(report: KeyReport): string {
  return `${report.fingerprint}${report.userId === undefined ? "" : ` ${quote(report.userId)}`}`;
}

/** The problem that ends the command because of a key's issue. */
export function unusableKeyProblem(report: KeyReport, issue: KeyIssue, origin: string): Problem {
  const subkeys = report.subkeys.flatMap(({ fingerprint, algorithm, issue: own }) =>
    own === undefined ? [] : [`Subkey ${fingerprint} (${algorithm}): ${own.reason}`],
  );
  return new Problem(
    `Cannot encrypt to ${fingerprintAndUserIdText(report)} from ${escapeControls(origin)}: ${issue.reason}`,
    {
      code: issue.code,
      exit: "noUsableKey",
      hint: issueHint(issue, report.fingerprint),
      details: subkeys,
    },
  );
}

/** The problem of a key that the library can't parse. */
export function unreadableKeyProblem({ fingerprint, issue, hint }: UnreadableKey, origin: string): Problem {
  const which = fingerprint === undefined ? "the key" : `the key ${fingerprint}`;
  return new Problem(`Cannot use ${which} from ${escapeControls(origin)}: ${issue.reason}`, {
    code: issue.code,
    exit: "noUsableKey",
    hint,
  });
}

/** The lines that list the keys of a source. */
export function foundKeyLines({ keys, unreadable }: EvaluatedAndUnreadableKeys): readonly string[] {
  return [
    ...keys.map(({ report }) => `Found: ${fingerprintAndUserIdText(report)}`),
    ...unreadable.map(
      ({ fingerprint, version, issue }) => `Found: ${fingerprint ?? `a version ${version} key`} (${issue.reason})`,
    ),
  ];
}
