import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ColorChoice, createPainter, mayUseColor, withoutColors } from "../../../lib/core/output/colors.ts";

interface Row {
  readonly choice?: ColorChoice;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  readonly color: boolean;
}

const TERMINAL = { isTerminal: true };

const ROWS: readonly Row[] = [
  { color: false },
  { ...TERMINAL, color: true },
  { choice: "always", color: true },
  { choice: "always", env: { NO_COLOR: "1", TERM: "dumb" }, color: true },
  { choice: "never", ...TERMINAL, color: false },
  { choice: "never", env: { FORCE_COLOR: "1", CLICOLOR_FORCE: "1" }, ...TERMINAL, color: false },
  { env: { NO_COLOR: "1" }, ...TERMINAL, color: false },
  { env: { NO_COLOR: "0" }, ...TERMINAL, color: false },
  { env: { NO_COLOR: "" }, ...TERMINAL, color: true },
  { env: { NO_COLOR: "" }, color: false },
  { env: { NO_COLOR: "1", FORCE_COLOR: "1" }, ...TERMINAL, color: false },
  { env: { NO_COLOR: "1", CLICOLOR_FORCE: "1" }, color: false },
  { env: { FORCE_COLOR: "1" }, color: true },
  { env: { FORCE_COLOR: "" }, color: true },
  { env: { FORCE_COLOR: "true", TERM: "dumb" }, color: true },
  { env: { FORCE_COLOR: "0" }, ...TERMINAL, color: false },
  { env: { FORCE_COLOR: "False" }, ...TERMINAL, color: false },
  { env: { CLICOLOR_FORCE: "1" }, color: true },
  { env: { CLICOLOR_FORCE: "0" }, color: false },
  { env: { CLICOLOR_FORCE: "" }, color: false },
  { env: { CLICOLOR_FORCE: "0" }, ...TERMINAL, color: true },
  { env: { CLICOLOR: "0" }, ...TERMINAL, color: false },
  { env: { CLICOLOR: "1" }, color: false },
  { env: { TERM: "dumb" }, ...TERMINAL, color: false },
  { env: { TERM: "xterm-256color" }, ...TERMINAL, color: true },
  { env: { TERM: "xterm-256color" }, color: false },
];

describe("mayUseColor()", () => {
  for (const { choice = "auto", env = {}, isTerminal = false, color } of ROWS)
    test(`is ${color} for ${JSON.stringify({ choice, env, isTerminal })}`, () => {
      assert.equal(mayUseColor({ choice, environment: (name) => env[name], isTerminal }), color);
    });
});

describe("createPainter()", () => {
  test("styles each role, whatever stream the process has", () => {
    const paint = createPainter(true);
    assert.equal(paint("error", "Error"), "\u001b[1m\u001b[31mError\u001b[39m\u001b[22m");
    assert.equal(paint("warning", "Warning"), "\u001b[1m\u001b[33mWarning\u001b[39m\u001b[22m");
    assert.equal(paint("note", "x"), "\u001b[2mx\u001b[22m");
    assert.equal(paint("command", "x"), "\u001b[36mx\u001b[39m");
    assert.equal(paint("added", "x"), "\u001b[32mx\u001b[39m");
    assert.equal(paint("removed", "x"), "\u001b[31mx\u001b[39m");
    assert.equal(paint("changed", "x"), "\u001b[33mx\u001b[39m");
    assert.equal(paint("heading", "x"), "\u001b[1mx\u001b[22m");
    assert.equal(paint("error", ""), "");
  });

  test("resumes the style of a note after a command in it", () => {
    const paint = createPainter(true);
    const text = paint("note", `run ${paint("command", "hydra")} now`);
    assert.equal(text, "\u001b[2mrun \u001b[36mhydra\u001b[39m now\u001b[22m");
    assert.equal(withoutColors(text), "run hydra now");
  });

  test("returns the text unchanged without color", () => {
    assert.equal(createPainter(false)("error", "Error"), "Error");
  });
});
