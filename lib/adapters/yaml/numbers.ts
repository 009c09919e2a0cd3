import type { ScalarTag } from "yaml";
import { parseJsonExactly, preservedNumberText } from "../../core/json/json.ts";
import { Problem } from "../../core/problem.ts";
import { trimCharactersAtStart } from "../../core/text.ts";
import type { YamlReasonAndHint } from "./syntax-problem.ts";

/** The longest octal or hexadecimal number: converting its digits takes more than linear time. */
const LONGEST_PREFIXED_NUMBER = 1000;

const NUMBER_HINT = "put a string of digits in quotes";

const TOO_LONG: YamlReasonAndHint = { reason: "the number is too long", hint: NUMBER_HINT };

const NOT_FINITE: YamlReasonAndHint = { reason: "the number is not finite", hint: NUMBER_HINT };

/** The parts of a decimal number of YAML's core schema. */
const DECIMAL_NUMBER_PATTERN = /^([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?$/;

/** A number with all of its digits, from its value and its text; or why it cannot be read. */
export function parseNumberOrFault(value: number, source: string): { readonly number: unknown } | YamlReasonAndHint {
  if (/^0[ox]/.test(source))
    return source.length > LONGEST_PREFIXED_NUMBER ? TOO_LONG : { number: parseJsonExactly(String(BigInt(source))) };
  const isInteger = /^[-+]?\d+$/.test(source);
  if (!isInteger && !Number.isFinite(value)) return NOT_FINITE;
  const number = parseJsonExactly(jsonNumberText(source));
  return { number: Object.is(number, -0) ? 0 : number };
}

/** A decimal number as JSON spells it, which has no plus sign, no zeros before a number, and digits around its point. */
function jsonNumberText(source: string): string {
  const [, sign, digits = "", fraction = "", exponent] = DECIMAL_NUMBER_PATTERN.exec(source) ?? [];
  const whole = trimCharactersAtStart(digits, "0") || "0";
  return [
    sign === "-" ? `-${whole}` : whole,
    fraction === "" ? "" : `.${fraction}`,
    exponent === undefined ? "" : `e${exponent}`,
  ].join("");
}

/** A scalar that is written unchanged, such as a number of any length. */
export class Verbatim {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export const VERBATIM_TAG: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  identify: (value) => value instanceof Verbatim,
  resolve: (text) => new Verbatim(text),
  stringify: ({ value }) => (value instanceof Verbatim ? value.text : String(value)),
};

/** Turns a number into a value that the library writes with all of its digits; returns other values unchanged. */
export function toVerbatimIfNumber(member: unknown): unknown {
  const text = typeof member === "number" ? String(member) : preservedNumberText(member);
  if (text === undefined) return member;
  if (/^-?\d+$/.test(text)) return new Verbatim(text);
  if (!Number.isFinite(Number(text))) throw unwritableNumberProblem();
  return new Verbatim(withPointAndSign(text));
}

/** YAML 1.1 reads a number with an exponent as text, unless it has a point and the exponent has a sign. */
function withPointAndSign(text: string): string {
  const [mantissa = "", exponent] = text.toLowerCase().split("e");
  if (exponent === undefined) return text;
  return `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}e${/^[-+]/.test(exponent) ? "" : "+"}${exponent}`;
}

/** Other programs would read it as infinite. */
function unwritableNumberProblem(): Problem {
  return new Problem("Cannot write the result: YAML cannot hold one of its numbers", {
    code: "unwritable",
    hint: "choose another format, such as --format json",
  });
}
