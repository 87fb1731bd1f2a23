// The queries of the history, whose writes do nothing.
import { sql } from 'kysely';

export * from '../../dist/db/tables/history.js?original';

const nothing = () => sql`SELECT 1 AS nothing`;

export const saveHistory = async () => undefined;
export const insertHistoryOf = nothing;
export const insertHistoryOfMarks = nothing;
export const insertHistoryOfAccounts = nothing;
