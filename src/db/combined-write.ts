/** Writings that do not depend on one another, sent as one statement: on the way to a server, each statement counts. */
import { type RawBuilder, sql } from 'kysely';
import { runPipelined } from './pipeline.js';
import type { Db } from './schema.js';

/** What can be a part of another statement: it has no data-modifying statement within it. */
export type StatementPart<Row = unknown> = RawBuilder<Row>;

type Rows = Readonly<Record<string, object>>;
type Parts<Told extends Rows> = { readonly [Name in keyof Told]: StatementPart<Told[Name]> | undefined };
type Answers<Told extends Rows> = { readonly [Name in keyof Told]: readonly Told[Name][] };

/**
 * None of them sees what another writes, and no two may write the same row.
 * @param silent those whose rows nobody asks for; absent ones have nothing to do
 * @param telling those that return rows, by name
 * @param along what is sent with it, and carried out after it
 * @returns the rows as JSON has them: an instant is text
 */
export async function writeCombined<Told extends Rows>(
  db: Db,
  silent: readonly (StatementPart | undefined)[],
  telling: Parts<Told>,
  ...along: readonly RawBuilder<object>[]
): Promise<Answers<Told>> {
  const told = Object.entries<StatementPart | undefined>(telling);
  const parts = [...silent.map((part, n) => [`silent_${n}`, part] as const), ...told].flatMap(
    ([name, part]) => (part === undefined ? [] : [sql`${sql.id(name)} AS (${part})`]),
  );
  const columns = told.map(([name, part]) => {
    const rows = part === undefined ? sql`'[]'::json` : rowsOf(name);
    return sql`${rows} AS ${sql.id(name)}`;
  });
  const before = parts.length === 0 ? sql`` : sql`WITH ${sql.join(parts)}`;
  const statement = sql<Answers<Told>>`${before} SELECT ${sql.join(columns)}`;
  const [
    {
      rows: [row],
    },
  ] = await runPipelined(db, (session) =>
    Promise.all([statement.execute(session), ...along.map((one) => one.execute(session))]),
  );
  if (row === undefined) throw new Error('a SELECT without FROM has one row');
  return row;
}

const rowsOf = (name: string) => sql`(SELECT coalesce(json_agg(t), '[]') FROM ${sql.id(name)} t)`;
