/** Marks all days of calendars whose configuration, or whose account's, has changed. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import { insertHistoryOfMarks } from './history.js';

/** @param isElsewhere whether nothing was published to their address or by their client, so that what is shown there is unknown */
export async function markDaysOfCalendars(
  tx: Db,
  calendars: readonly string[],
  isElsewhere: boolean,
  now: Date,
): Promise<void> {
  const unknown = isElsewhere
    ? sql`published = NULL, verified = false, shown = NULL, shown_at = NULL,`
    : sql``;
  await sql`
    WITH marked AS (
      UPDATE slotkeeper.days d SET
        generation = d.generation + 1, ${unknown}
        pending_since = coalesce(d.pending_since, ${now}::timestamptz)
      WHERE d.calendar_id = ANY(${[...calendars]}::text[])
      RETURNING d.calendar_id AS calendar, d.date, 'default' AS direction, d.generation)
    ${insertHistoryOfMarks('marked', 'configuration', now)}`.execute(tx);
}
