/** What stands after an option's name on the command line, and what it means. */
export interface Option {
  /** The heading that it stands below in a help text. */
  readonly group: string;
  /** Half a sentence. */
  readonly about: string;
  /** What it takes, such as `<folder>`; a switch takes nothing. */
  readonly value?: string;
  /** It may be given several times; it then stands for a list, empty where none was given. */
  readonly many?: true;
  /** The texts that it takes, where it takes no others. */
  readonly choices?: readonly string[];
  /** Taken, and shown, where none is given. */
  readonly default?: string;
  /** What happens where none is given, in words. */
  readonly otherwise?: string;
  /**
   * @param name of the option
   * @returns what a text stands for
   * @throws TrainerError `config_invalid`, `dataset_invalid`
   */
  readonly parse?: (text: string, name: string) => unknown;
}

export type Options = Readonly<Record<string, Option>>;

type Meaning<O extends Option> = O extends { parse: (text: string, name: string) => infer T }
  ? T
  : O extends { choices: readonly (infer T)[] }
    ? T
    : string;

/** What a command's options stand for; undefined where none was given. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends { many: true }
    ? readonly Meaning<O[Name]>[]
    : O[Name] extends { value: string }
      ? Meaning<O[Name]> | (O[Name] extends { default: string } ? never : undefined)
      : boolean;
};

/** A command as it was typed, and where its output goes. */
export interface Call<O extends Options = Options> {
  readonly values: Values<O>;
  /** The texts of the experiment's fields that were given, by path. */
  readonly fields: Readonly<Record<string, string>>;
  readonly positionals: readonly string[];
  /** All of it, without the command's name. */
  readonly typed: readonly string[];
  say(lines: string): void;
  /** Prints an error after which the command continues, with the exit code 1. */
  report(error: unknown): void;
}

/** A command: what its help text says, and what it does. */
export interface Command<O extends Options = Options> {
  readonly name: string;
  /** A sentence without its full stop, for the list of all commands. */
  readonly about: string;
  /** More sentences, for the command's own help text. */
  readonly details?: string;
  /** What it takes beside options, such as `<images...>`. */
  readonly takes?: string;
  /** What is typed after `graft`, three of them, each with what it does. */
  readonly examples: readonly (readonly [command: string, about: string])[];
  readonly options: O;
  /** The experiment's fields among its options: those that its short help text shows. */
  readonly fields?: readonly string[];
  /** The program that takes all that is typed, such as `wrangler dev`. */
  readonly passesTo?: string;
  /** @returns the exit code, where it is another program's */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands return nothing
  run(call: Call<O>): Promise<number | void>;
}

/** Ties the values that a command's `run` gets to the options that it declares. */
export function defineCommand<const O extends Options>(command: Command<O>): Command<O> {
  return command;
}
