/** Finds keys that a schema does not know: a near miss of a known key is a problem, any other key is dropped and named. */
import { z } from 'zod';
import { findClosestName } from '../lib/closest-name.js';
import { formatPath, type Problem } from '../lib/validation.js';

/** `true` stands for a plain value or a list of plain values; an object stands for its fields, also in a list. */
export type Fields = { readonly [name: string]: true | Fields };

/** The fields of an object's schema, at any depth. */
export function fieldsOf({ shape }: { readonly shape: z.ZodRawShape }): Fields {
  return Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => [name, fieldsWithin(schema as z.ZodType)]),
  );
}

function fieldsWithin(schema: z.ZodType): true | Fields {
  if (schema instanceof z.ZodObject) return fieldsOf(schema);
  if (schema instanceof z.ZodArray) return fieldsWithin(schema.element as z.ZodType);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodReadonly) {
    return fieldsWithin(schema.unwrap() as z.ZodType);
  }
  return true;
}

export interface UnknownKeys {
  /** Keys that are near misses of known keys, each with the known key. */
  readonly problems: readonly Problem[];
  /** The paths of all other unknown keys. */
  readonly dropped: readonly string[];
}

const MAX_KEY_LENGTH = 100;

/** @param max the maximum number of problems and of dropped keys */
export function findUnknownKeys(value: unknown, fields: Fields, max: number): UnknownKeys {
  const problems: Problem[] = [];
  const dropped: string[] = [];
  const visit = (one: unknown, known: true | Fields, path: readonly PropertyKey[]): void => {
    if (known === true || typeof one !== 'object' || one === null) return;
    if (Array.isArray(one)) {
      for (const [index, item] of one.entries())
        if (!Array.isArray(item)) visit(item, known, [...path, index]);
      return;
    }
    const names = Object.keys(known);
    for (const [key, inner] of Object.entries(one)) {
      if (Object.hasOwn(known, key)) {
        visit(inner, known[key] ?? true, [...path, key]);
        continue;
      }
      const shortKey = key.slice(0, MAX_KEY_LENGTH);
      const similar = findClosestName(key, names);
      if (similar !== undefined && problems.length < max) {
        const reason = `unknown key ${JSON.stringify(shortKey)}, did you mean "${similar}"?`;
        problems.push({ path: formatPath([...path, shortKey]), reason });
      } else if (dropped.length < max) dropped.push(formatPath([...path, shortKey]));
    }
  };
  visit(value, fields, []);
  return { problems, dropped };
}
