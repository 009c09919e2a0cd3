import type {
  BoolFlag,
  ChoiceFlag,
  DurationFlag,
  Flag,
  IntFlag,
  ListFlag,
  RepeatFlag,
  TextFlag,
  WithDefault,
} from "./flag.ts";

/** Where a value came from, and what a message calls the place. */
export interface ValueOrigin {
  readonly from: "flag" | "environment" | "file" | "default";
  /** `--callbacks`, `environment variable HYDRA_ADMIN_URL`, `"endpoint" in /etc/hydra.yaml`. */
  readonly name: string;
}

/** The value of one flag, which its row has accepted. */
export interface FlagValueWithOrigin {
  readonly texts: readonly string[];
  readonly on?: boolean;
  readonly number?: number;
  readonly origin: ValueOrigin;
}

/** The values of one command line, each with its origin. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, FlagValueWithOrigin>;

  constructor(values: ReadonlyMap<string, FlagValueWithOrigin>) {
    this.#values = values;
  }

  /** The value of a text flag, or its default. */
  text<Choice extends string>(flag: WithDefault<ChoiceFlag<Choice>>): Choice;
  text<Choice extends string>(flag: ChoiceFlag<Choice>): Choice | undefined;
  text(flag: WithDefault<TextFlag>): string;
  text(flag: TextFlag): string | undefined;
  text(flag: TextFlag): string | undefined {
    return this.#values.get(flag.name)?.texts[0] ?? flag.default;
  }

  /** The values of a list flag, or its default; empty when there is none. */
  list(flag: ListFlag | RepeatFlag): readonly string[] {
    return this.#values.get(flag.name)?.texts ?? (flag.kind === "list" ? flag.default : undefined) ?? [];
  }

  /** The same values with others, which replace those of the same flags. */
  with(others: Iterable<readonly [name: string, value: FlagValueWithOrigin]>): FlagValues {
    return new FlagValues(new Map([...this.#values, ...others]));
  }

  /** The values of some flags, as far as they are set, for {@link with}. */
  entriesOf(flags: readonly Flag[]): readonly (readonly [name: string, value: FlagValueWithOrigin])[] {
    return flags.flatMap(({ name }) => {
      const value = this.#values.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
  }

  /** Whether a switch is on. */
  bool(flag: BoolFlag): boolean {
    return this.#values.get(flag.name)?.on ?? false;
  }

  /** The milliseconds of a duration flag or the number of a count flag, or its default. */
  number(flag: WithDefault<DurationFlag> | WithDefault<IntFlag>): number;
  number(flag: DurationFlag | IntFlag): number | undefined;
  number(flag: DurationFlag | IntFlag): number | undefined {
    return this.#values.get(flag.name)?.number ?? flag.default;
  }

  /** Whether a flag, a variable or the config file gave this value; false for a default. */
  isSet(flag: Flag): boolean {
    return this.#values.has(flag.name);
  }

  /** Where the value came from. */
  origin(flag: Flag): ValueOrigin {
    return this.#values.get(flag.name)?.origin ?? { from: "default", name: `the default of --${flag.name}` };
  }
}
