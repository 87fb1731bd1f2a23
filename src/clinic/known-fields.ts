/** Which keys a schema knows, and what to do with others: a near miss is refused, anything else is dropped and named. */
import { z } from 'zod';
import { findClosestName } from '../lib/closest-name.js';
import { formatPath, type Problem } from '../lib/validation.js';

/** `true` is a plain value or a list of such; everything else has the fields that it names, also as a list. */
export type Fields = { readonly [name: string]: true | Fields };

/** The fields of an object's schema, however deep. */
export function fieldsOf({ shape }: { readonly shape: z.ZodRawShape }): Fields {
  return Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => [name, inside(schema as z.ZodType)]),
  );
}

function inside(schema: z.ZodType): true | Fields {
  if (schema instanceof z.ZodObject) return fieldsOf(schema);
  if (schema instanceof z.ZodArray) return inside(schema.element as z.ZodType);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodReadonly) {
    return inside(schema.unwrap() as z.ZodType);
  }
  return true;
}

export interface UnknownKeys {
  /** Keys that are near misses of known ones, each with the one that is meant. */
  readonly problems: readonly Problem[];
  /** The paths of all others. */
  readonly dropped: readonly string[];
}

const MAX_KEY = 100;

/** @param most looks for no more than so many of each */
export function findUnknownKeys(value: unknown, fields: Fields, most: number): UnknownKeys {
  const problems: Problem[] = [];
  const dropped: string[] = [];
  const look = (one: unknown, known: true | Fields, path: readonly PropertyKey[]): void => {
    if (known === true || typeof one !== 'object' || one === null) return;
    if (Array.isArray(one)) {
      for (const [index, item] of one.entries())
        if (!Array.isArray(item)) look(item, known, [...path, index]);
      return;
    }
    const names = Object.keys(known);
    for (const [key, inner] of Object.entries(one)) {
      if (Object.hasOwn(known, key)) {
        look(inner, known[key] ?? true, [...path, key]);
        continue;
      }
      const said = key.slice(0, MAX_KEY);
      const meant = findClosestName(key, names);
      if (meant !== undefined && problems.length < most) {
        const reason = `unknown key ${JSON.stringify(said)}, did you mean "${meant}"?`;
        problems.push({ path: formatPath([...path, said]), reason });
      } else if (dropped.length < most) dropped.push(formatPath([...path, said]));
    }
  };
  look(value, fields, []);
  return { problems, dropped };
}
