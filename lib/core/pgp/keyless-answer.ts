/** What sites answer with status 200 for a user without a key, in place of one, and what it means. */
const ABSENT: readonly (readonly [says: RegExp, meaning: string])[] = [
  // GitHub, Gitea and Forgejo: a header of an armored block with nothing in it.
  [/\bhasn't uploaded any GPG keys\b/i, "this user has no OpenPGP key there"],
  [
    /\bcouldn't be exported and need to be reuploaded\b/i,
    "the site can't export this user's key until it is uploaded again",
  ],
  [/^\s*SELF-SIGNED PUBLIC KEY NOT FOUND\b/i, "this user has no OpenPGP key there"],
  [/^\s*(?:error:\s*)?no (?:keys?|results?) found\b/i, "the key server has no such key"],
  [/^\s*(?:404\b[^\n]*\b)?not found\.?\s*$/i, "there is nothing at this URL"],
];

/** The most that such an answer is long; a key is not searched for words. */
const ANSWER_LENGTH = 4096;

/**
 * Why the text of a successful response has no key: the site has none for this user. Undefined for a text that may be a
 * key. GitHub's `USER.gpg` is an armored block with a note and no key; GitLab's is empty.
 */
export function findKeylessAnswerReason(text: string): string | undefined {
  if (text.length > ANSWER_LENGTH) return undefined;
  if (text.trim() === "") return "the answer is empty: this user has no OpenPGP key there";
  // GitHub also adds its note to a block that has the keys it could export.
  if (hasKeyData(text)) return undefined;
  return ABSENT.find(([says]) => says.test(text))?.[1];
}

/** Whether a text has a line that only the base64 of a key has. */
function hasKeyData(text: string): boolean {
  return text.split("\n").some((line) => /^[A-Za-z0-9+/]{40,}={0,2}$/.test(line.trim()));
}

/** Whether text that should be data is a web page, such as a login or an error page. */
export function looksLikeWebPage(text: string): boolean {
  return /^\s*(?:<!doctype\s+html|<html|<\?xml|<head|<body)/i.test(text.slice(0, 2048));
}
