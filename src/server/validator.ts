/** Validates requests against the schemas of their routes, with the messages that configuration and events use. */
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { type Problem, validate, validateShape } from '../lib/validation.js';

/** The body, query or path of a request does not match the schema of its route. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
  readonly problems: readonly Problem[];
  /** The part of the request; set by fastify. */
  validationContext?: string;

  constructor(problems: readonly Problem[]) {
    super('the request is invalid');
    this.problems = problems;
  }
}

const itemSchemas = new WeakSet<z.ZodType>();

/** Marks a body whose items the route validates one by one, so that an invalid item does not affect the others. */
export function validatedByItem<Schema extends z.ZodType>(schema: Schema): Schema {
  itemSchemas.add(schema);
  return schema;
}

export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data) => {
    const result = itemSchemas.has(schema) ? validateShape(schema, data) : validate(schema, data);
    return result.success ? { value: result.data } : { error: new InvalidInputError(result.problems) };
  };
