/** Holds what a request brings against its route's schema. What is wrong is told in the words that configuration and events are told in. */
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { type Problem, validate, validateShape } from '../lib/validation.js';

/** A request whose body, query or path is not as its route wants it. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
  readonly problems: readonly Problem[];
  /** Fastify says which part of the request it was. */
  validationContext?: string;

  constructor(problems: readonly Problem[]) {
    super('the request is not as it should be');
    this.problems = problems;
  }
}

const itemwise = new WeakSet<z.ZodType>();

/** A body whose items are checked by their route, one by one: what is wrong with one of them costs no other. */
export function checkedByItem<Schema extends z.ZodType>(schema: Schema): Schema {
  itemwise.add(schema);
  return schema;
}

export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data) => {
    const checked = itemwise.has(schema) ? validateShape(schema, data) : validate(schema, data);
    return checked.success ? { value: checked.data } : { error: new InvalidInputError(checked.problems) };
  };
