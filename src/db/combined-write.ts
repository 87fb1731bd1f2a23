/** Sends writes that do not depend on one another as one statement, because each statement costs work on the server. */
import { type RawBuilder, sql } from 'kysely';
import { runPipelined } from './pipeline.js';
import type { Db } from './schema.js';

/** A statement that can be a CTE of another one: it contains no data-modifying CTE of its own. */
export type StatementPart<Row = unknown> = RawBuilder<Row>;

type Rows = Readonly<Record<string, object>>;
type Queries<Results extends Rows> = {
  readonly [Name in keyof Results]: StatementPart<Results[Name]> | undefined;
};
type ResultRows<Results extends Rows> = { readonly [Name in keyof Results]: readonly Results[Name][] };

/**
 * No part sees what another part writes, and no two parts may write the same row. An undefined part does nothing.
 * @param writes parts whose rows are not returned
 * @param queries parts whose rows are returned, by name
 * @param followUps parts that read the rows of `queries` by their names
 * @param after statements that are sent in the same round trip and executed after the combined one
 * @returns the rows as JSON represents them: an instant is text
 */
export async function writeCombined<Results extends Rows>(
  db: Db,
  writes: readonly (StatementPart | undefined)[],
  queries: Queries<Results>,
  followUps: readonly (StatementPart | undefined)[] = [],
  ...after: readonly RawBuilder<object>[]
): Promise<ResultRows<Results>> {
  const named = Object.entries<StatementPart | undefined>(queries);
  const unnamed = (prefix: string, all: typeof followUps) =>
    all.map((part, n) => [`${prefix}_${n}`, part] as const);
  const parts = [...unnamed('write', writes), ...named, ...unnamed('follow_up', followUps)].flatMap(
    ([name, part]) => (part === undefined ? [] : [sql`${sql.id(name)} AS (${part})`]),
  );
  const columns = named.map(([name, part]) => {
    const rows = part === undefined ? sql`'[]'::json` : selectJsonRows(name);
    return sql`${rows} AS ${sql.id(name)}`;
  });
  const withClause = parts.length === 0 ? sql`` : sql`WITH ${sql.join(parts)}`;
  const statement = sql<ResultRows<Results>>`${withClause} SELECT ${sql.join(columns)}`;
  const [
    {
      rows: [row],
    },
  ] = await runPipelined(db, (session) =>
    Promise.all([statement.execute(session), ...after.map((one) => one.execute(session))]),
  );
  if (row === undefined) throw new Error('a SELECT without FROM returned no row');
  return row;
}

const selectJsonRows = (name: string) => sql`(SELECT coalesce(json_agg(t), '[]') FROM ${sql.id(name)} t)`;

/** Executes a part as a statement of its own; an absent part has no rows. */
export async function executePart<Row>(
  db: Db,
  part: StatementPart<Row> | undefined,
): Promise<readonly Row[]> {
  const result = await part?.execute(db);
  return result?.rows ?? [];
}
