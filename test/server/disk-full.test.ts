// A PostgreSQL whose disk is full, simulated by a trigger that raises its error code.
import { expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { postgresDatabase } from '../db/databases.js';
import { CALENDAR, foundingExample } from '../engine/founding-example.js';
import { openClinic, startEngine } from '../engine/running.js';
import { serve } from './served.js';

const { date, events } = foundingExample();

test('events are answered 503 and not stored while PostgreSQL has no disk space, and accepted afterwards', async () => {
  const engine = await startEngine({ databaseUrl: await postgresDatabase() });
  await openClinic(engine);
  const call = await serve(engine);
  const busy = async (): Promise<number> => {
    const path = `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`;
    return (await call('GET', path)).body[0].busy.length;
  };
  await sql`
    CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`.execute(
    engine.db,
  );
  const trigger = sql`CREATE TRIGGER no_room AFTER INSERT ON slotkeeper.occupancy EXECUTE FUNCTION public.no_room()`;
  await trigger.execute(engine.db);
  try {
    const refused = await call('POST', '/v1/events', { events });
    expect(refused).toMatchObject({ status: 503, type: 'application/problem+json; charset=utf-8' });
    expect(refused.body.detail).toMatch(/nothing of this request was stored/);
    expect((await call('GET', '/readyz')).status).toBe(200);
    expect(await busy()).toBe(0);
  } finally {
    await sql`DROP FUNCTION public.no_room CASCADE`.execute(engine.db);
  }
  expect(await call('POST', '/v1/events', { events })).toMatchObject({ status: 202, body: { accepted: 2 } });
  expect(await busy()).toBe(1);
});
