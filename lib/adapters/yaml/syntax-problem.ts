import type { ErrorCode } from "yaml";
import { MAX_DEPTH } from "../../core/json/json.ts";
import { type Problem, usageError } from "../../core/problem.ts";
import { escapeControls } from "../../core/text.ts";

/** What is wrong with a YAML text, and what to do about it. */
export interface YamlReasonAndHint {
  readonly reason: string;
  readonly hint: string;
}

export const TOO_DEEP: YamlReasonAndHint = {
  reason: `it nests more than ${MAX_DEPTH} levels deep`,
  hint: "use fewer levels; this may be the wrong file",
};

export const SEVERAL_DOCUMENTS: YamlReasonAndHint = {
  reason: "it contains several documents, but only one is allowed",
  hint: "keep one of the documents, which lines of --- separate",
};

/** Our own messages, because the library's quote the text, which may be a secret. */
const FAULTS: Readonly<Partial<Record<ErrorCode, YamlReasonAndHint>>> = {
  ALIAS_PROPS: {
    reason: "an alias has a tag or an anchor of its own",
    hint: "write the alias without it, or put a string that begins with * in quotes",
  },
  BAD_ALIAS: {
    reason: "an alias has no anchor before it, or a bad name",
    hint: "define the anchor with &NAME first, or put a string that begins with * in quotes",
  },
  BAD_COLLECTION_TYPE: {
    reason: "a tag does not match the value",
    hint: "remove the tag, or put a string that begins with ! in quotes",
  },
  BAD_DIRECTIVE: { reason: "unknown directive", hint: "remove the line that begins with %" },
  BAD_DQ_ESCAPE: {
    reason: "a string in double quotes has an unknown escape",
    hint: "use single quotes, or write \\\\ for a backslash",
  },
  BAD_INDENT: {
    reason: "wrong indentation, or a bracket is not closed",
    hint: "indent all keys of an object equally, and close all brackets",
  },
  BAD_PROP_ORDER: {
    reason: "a tag or an anchor is in the wrong place",
    hint: "write it right before its value, or put a string that begins with ! or & in quotes",
  },
  BAD_SCALAR_START: {
    reason: "a value starts with a character that requires quotes",
    hint: "put the value in quotes",
  },
  BLOCK_AS_IMPLICIT_KEY: {
    reason: "a nested mapping is on the line of its key",
    hint: "put a value with a colon in quotes, or the nested mapping on lines of its own",
  },
  BLOCK_IN_FLOW: {
    reason: "a block is inside brackets or braces",
    hint: "use brackets and braces inside of brackets and braces too, and close them",
  },
  KEY_OVER_1024_CHARS: { reason: "a key is longer than 1024 characters", hint: "add the colon, or shorten the key" },
  MISSING_CHAR: {
    reason: "a colon, comma, quote or bracket is missing",
    hint: "add it, or put a string with special characters in quotes",
  },
  MULTILINE_IMPLICIT_KEY: {
    reason: "a key spans several lines, or its colon is missing",
    hint: "add the colon, or put a multi-line string in quotes",
  },
  MULTIPLE_ANCHORS: { reason: "a value has several anchors", hint: "keep one of the anchors" },
  MULTIPLE_DOCS: SEVERAL_DOCUMENTS,
  MULTIPLE_TAGS: { reason: "a value has several tags", hint: "remove the tags" },
  RESOURCE_EXHAUSTION: TOO_DEEP,
  TAB_AS_INDENT: { reason: "indentation requires spaces, not tabs", hint: "replace the tabs with spaces" },
  TAG_RESOLVE_FAILED: {
    reason: "unknown tag",
    hint: "use YAML 1.2 without custom tags, or put a string that begins with ! in quotes",
  },
};

/** The fault that the library reports with a code. */
export function faultOfCode(code: ErrorCode): YamlReasonAndHint {
  return (
    FAULTS[code] ?? {
      reason: "unexpected text",
      hint: "use YAML 1.2 or JSON; put texts with special characters in quotes",
    }
  );
}

/** The problem of a text; `where` is its position as messages show it, or empty. */
export function yamlProblem(name: string, where: string, { reason, hint }: YamlReasonAndHint): Problem {
  return usageError(`Cannot read ${escapeControls(name)}${where}: ${reason}`, hint, "yaml");
}
