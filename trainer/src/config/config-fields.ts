import * as z from 'zod';
import { TrainerError } from '../errors.ts';
import { type TrainConfig, trainConfig } from './train-config.ts';

const TEXT = 'text';

/** A field of a recipe that the command line can set. */
export interface ConfigField {
  /** Such as `stage2.epochs`. */
  readonly path: string;
  readonly description: string;
  /** The values that it accepts, in words. */
  readonly expected: string;
  /** The texts that it takes, where it takes no others. */
  readonly choices: readonly string[];
  /** @returns what the text stands for, which may not be what the field takes */
  parse(text: string): unknown;
}

/** The part of JSON Schema that zod emits for recipes. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

/** Every field except for the recipe's name, in the order of the schema. */
export const configFields: readonly ConfigField[] = fieldsOf(
  z.toJSONSchema(trainConfig, { io: 'input' }) as Schema,
  [],
).filter(({ path }) => path !== 'name');

function fieldsOf(schema: Schema, path: readonly string[]): ConfigField[] {
  if (schema.properties) {
    return Object.entries(schema.properties).flatMap(([name, inner]) =>
      fieldsOf(inner, [...path, name]),
    );
  }
  return [
    {
      path: path.join('.'),
      description: schema.description ?? '',
      expected: expectedBy(schema),
      choices: schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : []),
      parse: (text) => parse(schema, text),
    },
  ];
}

function expectedBy(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(expectedBy).join(' or ');
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'none';
    case 'integer':
    case 'number':
      return `a ${schema.type === 'integer' ? 'whole ' : ''}number${rangeOf(schema)}`;
    case 'array':
      return `comma-separated numbers, each ${expectedBy(schema.items ?? {})}`;
    default:
      return TEXT;
  }
}

function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Schema): string {
  const isLimit = (limit: number | undefined) =>
    limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
  return [
    isLimit(minimum) ? ` from ${minimum}` : '',
    isLimit(exclusiveMinimum) ? ` above ${exclusiveMinimum}` : '',
    isLimit(maximum) ? ` to ${maximum}` : '',
    isLimit(exclusiveMaximum) ? ` below ${exclusiveMaximum}` : '',
  ].join('');
}

function parse(schema: Schema, text: string): unknown {
  if (schema.anyOf) {
    // Of the alternatives, the first that parses to something other than the text itself.
    const values = schema.anyOf.map((one) => parse(one, text));
    return [...values.filter((value) => value !== undefined && value !== text), text][0];
  }
  switch (schema.type) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'null':
      return text === 'none' ? null : undefined;
    case 'integer':
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'array':
      return text === '' ? [] : text.split(',').map((item) => parse(schema.items ?? {}, item));
    default:
      return text;
  }
}

/**
 * A copy of a recipe with some fields overridden.
 *
 * @param texts by path; undefined values and keys that are not paths of fields are ignored
 * @throws TrainerError `config_invalid`
 */
export function overrideConfig(
  config: TrainConfig,
  texts: Readonly<Record<string, unknown>>,
): TrainConfig {
  const changed = structuredClone(config);
  for (const { path, parse } of configFields) {
    const text = texts[path];
    if (typeof text === 'string') set(changed, path.split('.'), parse(text));
  }
  const result = trainConfig.safeParse(changed);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).filter((key) => typeof key === 'string').join('.');
  const field = configFields.find((one) => one.path === path);
  throw new TrainerError(
    'config_invalid',
    issue?.code === 'custom' || field === undefined
      ? `Expected another value for --${path}: ${issue?.message}. See --help.`
      : `Expected ${field.expected} for --${path}, but got ${texts[path]}. See --help.`,
  );
}

/** A field's value in an experiment, as the command line takes it. */
export function fieldText(config: TrainConfig, path: string): string {
  const value = get(config, path.split('.'));
  return value === null ? 'none' : Array.isArray(value) ? value.join() : `${value}`;
}

function get(holder: unknown, path: readonly string[]): unknown {
  return path.reduce((value, key) => (value as Record<string, unknown>)[key], holder);
}

function set(holder: unknown, path: readonly string[], value: unknown): void {
  const last = path.at(-1) as string;
  (get(holder, path.slice(0, -1)) as Record<string, unknown>)[last] = value;
}
