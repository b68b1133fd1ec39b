import { problem } from 'shared/contract/responses';
import * as z from 'shared/contract/schema';

/** What the page needs of https://spec.openapis.org/oas/v3.1.0#operation-object. */
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: RequestBody;
  readonly responses: Readonly<Record<string, { description: string; content?: Content }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly required: boolean;
  readonly description?: string | undefined;
  readonly schema: object;
}

export interface RequestBody {
  readonly required: true;
  readonly content: Content;
  /** What the operation takes too, but a generated client would then send for all bodies. */
  readonly 'x-content'?: Content;
}

export type Content = Readonly<
  Record<string, { readonly schema: object; readonly example?: object }>
>;

/** Operations by path and method. */
export type Paths = Record<string, Partial<Record<'get' | 'post', Operation>>>;

/** Either of them lets a request in, where the service asks for a key. */
export const KEY_OR_NOTHING = [{ apiKey: [] }, {}];

export const SCHEMAS = '#/components/schemas/';

/** @param schema one that has an id */
export function answer(description: string, schema: z.ZodMiniType, type = 'application/json') {
  const { id } = z.globalRegistry.get(schema) as { id: string };
  return { description, content: { [type]: { schema: { $ref: `${SCHEMAS}${id}` } } } };
}

export const IMAGE = 'https://example.com/cat.jpg';

export function jsonBody(schema: z.ZodMiniType, example: object): Content {
  return { 'application/json': { schema: toJsonSchema(schema), example } };
}

/** An image as the body, or alone in a form. @param naming the JSON that names one instead */
export function imageBody(naming: z.ZodMiniType): RequestBody {
  const image = { type: 'string', format: 'binary' };
  const form = { type: 'object', properties: { image }, required: ['image'] };
  return {
    required: true,
    content: {
      'application/octet-stream': { schema: image },
      'multipart/form-data': { schema: form },
    },
    'x-content': jsonBody(naming, { url: IMAGE }),
  };
}

export function refusal() {
  return answer('A problem; its code says which.', problem, 'application/problem+json');
}

export function parametersOf(query: z.ZodMiniObject): Parameter[] {
  const { properties = {}, required = [] } = toJsonSchema(query);
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as z.core.JSONSchema.BaseSchema;
    return { name, in: 'query', required: required.includes(name), description, schema };
  });
}

/** Of what a request may have. */
export function toJsonSchema(schema: z.ZodMiniType): z.core.JSONSchema.BaseSchema {
  const { $schema, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return json;
}
