import type { ListFlag } from "../flags/flag.ts";
import { CLIENT_FIELDS, type ClientField } from "./fields.ts";

/** A flag that adds values to a list field or removes them. */
interface ListEditFlag {
  readonly field: ClientField;
  readonly way: "add" | "remove";
  readonly flag: ListFlag;
}

/** The flags that edit list fields in an update: `--add-callback`, `--remove-scope`. */
export const LIST_EDIT_FLAGS: readonly ListEditFlag[] = CLIENT_FIELDS.flatMap((field) =>
  (["add", "remove"] as const).flatMap((way): ListEditFlag[] => {
    if (field.singular === undefined) return [];
    const name = `${way}-${field.singular}`;
    const v2 = field.flag.v2 === undefined || field.flag.v2 === field.singular ? {} : { v2: `${way}-${field.flag.v2}` };
    const help = way === "add" ? `Add values to ${field.name}` : `Remove values from ${field.name}`;
    return [{ field, way, flag: { kind: "list", name, ...v2, value: "LIST", group: "input", help } }];
  }),
);
