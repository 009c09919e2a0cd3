import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

/** JSON Web Keys: what the servers do with them, and how to change them with as little harm as possible. */
export const KEYS_TOPIC: Topic = {
  name: "keys",
  title: "JSON Web Keys",
  parts: [
    textPart(
      "Hydra keeps JSON Web Key Sets. It signs tokens with some of them; the others are for your own use. The 1.x syntax is `hydra keys create|get|import|delete|rotate SET`,",
      "the 2.x syntax `hydra create jwk SET` and so on, where `get` and `delete` take several sets. `--kid` selects one key. Servers have no list of",
      "key sets. `--help` after a command shows its help.",
    ),
    termsPart(
      ["hydra.openid.id-token", "Signs ID tokens"],
      ["hydra.jwt.access-token", "Signs access tokens that are JSON Web Tokens"],
      ["hydra.https-tls", "Hydra 1.x: the key of the TLS certificate that the server generates for itself"],
    ),
    headingPart("Private keys"),
    textPart(
      "Private parts are only printed with `--private`; on a terminal, that asks first. `--out` and `--key-out` write a new file with mode",
      "0600: PEM if it ends in `.pem` or `.key`, otherwise JSON. Recipients (`hydra help encryption`) get the whole set, as an OpenPGP message",
      "in ASCII armor. `--format pem` prints PEM.",
    ),
    headingPart("Backup and restore"),
    codeLinesPart(
      "hydra keys get hydra.openid.id-token --pgp-key @ops.asc > id-token.asc",
      "gpg --decrypt id-token.asc | hydra keys import hydra.openid.id-token - --replace",
    ),
    textPart(
      "Servers return the newest key first, but make the last key of a written set the newest. A set that is written back in",
      "the order in which it was read therefore makes the oldest key sign. `import --replace` keeps the order.",
    ),
    headingPart("Import"),
    textPart(
      "Files can be a JSON Web Key, a key set (also in the `Payload` of Hydra's CLI 1.8), PEM (PKCS #1, PKCS #8, SEC 1, SPKI, X.509, several",
      "blocks), DER, or encrypted PEM or DER, whose passphrase is prompted for or read from `--passphrase-file`. OpenSSH keys must be converted first.",
    ),
    textPart(
      "The algorithm follows from the key: P-256 is ES256, P-384 ES384, P-521 ES512, Ed25519 EdDSA, and RSA RS256 unless the key or `--alg`",
      "sets another RSA algorithm. An `--alg` that does not fit is an error. The key ID is that of the key or of `--kid`, otherwise the",
      "thumbprint (RFC 7638), which is the same on every server.",
    ),
    headingPart("What servers do"),
    termsPart(
      [
        "Hydra 1.8",
        "Generates RS256, ES512, HS256 and HS512. Stores a pair, `private:KID` and `public:KID`; tokens name `public:KID`",
      ],
      ["Hydra 1.11", "The same, and ES256 and EdDSA"],
      [
        "Hydra 2.x and later",
        "Generates RS256 to RS512, PS256 to PS512, ES256 to ES512, and EdDSA. Stores one private key; tokens name `KID`",
      ],
    ),
    headingPart("Protected sets"),
    textPart(
      "A change of a set that tokens are signed with is rejected (exit code 2) if it stops or breaks logins; `--yes` continues anyway. These",
      "consequences were measured on real servers:",
    ),
    termsPart(
      [
        "A public key by itself",
        "Hydra 1.x: every login fails while the newest public key has no private half. Hydra 2.x publishes it and goes on signing with the newest private key",
      ],
      [
        "The set, or its last private key, is deleted",
        "Hydra 1.x: every login fails until a private key is put back. Hydra 2.x generates another key at the next login; tokens of a deleted set can no longer be verified",
      ],
      [
        "A shared secret",
        "Hydra 1.11: every login fails while it is the newest key. Hydra 2.x can't publish its keys, so no token can be verified",
      ],
      [
        'A key with "use": "enc", or an RSA key of less than 2048 bits',
        "All versions sign with it immediately, and clients reject the tokens",
      ],
      [
        "An RSA key for RS512 or PS256",
        "Hydra 1.x signs with it as RS256, and clients reject the tokens. Hydra 2.x: as for another algorithm, see the last row",
      ],
      [
        "The key that signs is deleted, or left out by import --replace",
        "An older or a new key signs, and tokens that it signed can no longer be verified. If the new set has key IDs of its own and shares no key with the old one, it counts as a move: import --replace only warns",
      ],
      [
        "Another algorithm, such as ES256",
        "Hydra 1.x: every login fails. Hydra 2.x signs with it immediately, so clients that expect the default, RS256, reject the tokens",
      ],
    ),
    headingPart("Rotation"),
    codeLinesPart(
      "hydra keys rotate hydra.openid.id-token --publish --key-out next.json",
      "hydra keys rotate hydra.openid.id-token --activate --key next.json",
      "hydra keys rotate hydra.openid.id-token --retire OLD-KID",
    ),
    textPart(
      "This is the least disruptive way to rotate. It needs Hydra 2.x. After `--publish`, wait until every verifier has fetched the key set again; after",
      "`--activate`, wait until the tokens of the old key have expired. Without these flags, the server generates a key that signs",
      "immediately: the only way with Hydra 1.x.",
    ),
    textPart(
      "Sessions that began before a rotation keep the old key's ID: ID tokens that they get by refreshing do not verify, with any version",
      "of Hydra, until those sessions end (ory/hydra#3573). With Hydra 2.3 and later, this is also true of JWT access tokens.",
    ),
    textPart(
      "With `--public-url` (or `HYDRA_PUBLIC_URL`), a temporary client logs in before and after each step, with the login and the consent",
      "accepted over the admin API, and is deleted afterwards. If another key signs, or the login fails, the step is undone. Tokens that",
      "were signed with a key that is removed again can't be verified. A run that is killed leaves its client; a later one deletes it once it is ten minutes old.",
    ),
    textPart(
      "A signal during a step also undoes it. The set is then read from the server, and the message says whether that worked and which key signs.",
    ),
    headingPart("Between servers"),
    codeLinesPart(
      'hydra keys get hydra.openid.id-token --private --endpoint "$OLD_HYDRA" | hydra keys import hydra.openid.id-token - --replace --endpoint "$NEW_HYDRA"',
    ),
    textPart(
      "From Hydra 1.x to 2.x, a private key gets the ID `public:KID`, because existing tokens carry that key ID. From 2.x to 1.x, a key",
      "becomes a pair; tokens that name `KID` find no key there.",
    ),
  ],
};
