import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toTerminalSafeJson } from "../../../lib/core/json/json.ts";
import { isInSelection, splitSelection } from "../../../lib/core/output/formats.ts";

describe("isInSelection()", () => {
  const message = "-----BEGIN PGP MESSAGE-----\n\nwcBMA8Vq\n=abcd\n-----END PGP MESSAGE-----\n";

  for (const text of ["a.b~c-d", 'with "quotes" and \\', message, "line\nbreak", "\u0007\u202e"])
    for (const [kind, selection] of Object.entries({
      "one value": `${text}\n`,
      "a value among others": `x\n${text}\ny\n`,
      JSON: `${toTerminalSafeJson([{ client_id: "x", client_secret: text }])}\n`,
    }))
      test(`finds ${JSON.stringify(text)} in ${kind}`, () => {
        assert.equal(isInSelection(splitSelection(selection), text), true);
        assert.equal(isInSelection(splitSelection(selection.replaceAll(/[a-e]|\u0007|\\u0007/g, "z")), text), false);
      });

  test("does not take one value for another that begins or ends like it", () => {
    const selected = splitSelection('["secret-1","another-secret"]\n');
    for (const text of ["secret", "secret-", "another", "another-secret-2"])
      assert.equal(isInSelection(selected, text), false, text);
  });
});
