// What taking in asks of the database: one after the other, all of it or nothing, and texts as they were said.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { applyEvents } from '../../src/clinic/apply-events.js';
import { applySnapshot } from '../../src/clinic/snapshots/apply-snapshot.js';
import { pullSource } from '../../src/clinic/snapshots/pull-source.js';
import { type Database, openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { listDays } from '../../src/db/tables/days.js';
import { HeldChanges } from '../../src/maintenance/held-changes.js';
import { databases, deleteAllRows } from '../db/databases.js';
import { account, calendar, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { atEndOfTest } from '../support/release.js';
import { at, Clinic, DAY, NEXT, open, START, taken } from './snapshots/snapshot-fixture.js';

describe.each(databases)('on $name', ({ create }) => {
  let database: Database;
  let db: Db;
  let clinic: Clinic;

  beforeAll(async () => {
    database = await openDatabase(await create());
    db = database.db;
  });

  beforeEach(async () => {
    await deleteAllRows(db);
    await putAccount(db, account(), NOW, ENCRYPTOR);
    await putCalendar(db, calendar(), NOW);
    clinic = new Clinic(db);
  });

  afterAll(async () => {
    await database.close();
  });

  const generationOfDay = async () => (await listDays(db, 'nowak', DAY, DAY))[0]?.generation ?? 0;

  describe('events', () => {
    test('occupy, move and release an appointment, whatever characters its ref has', async () => {
      const ref = 'wizyta №7 “żółć” \u{1F9B7} \'"\\%';
      await clinic.occupied(0, ref, '10:30', '10:40');
      expect(await clinic.taken()).toEqual({ [ref]: '11-16T10:30 11-16T10:40' });
      await clinic.occupied(0, ref, '12:00', '12:20');
      expect(await clinic.taken()).toEqual({ [ref]: '11-16T12:00 11-16T12:20' });
      await clinic.released(0, ref);
      expect(await clinic.taken()).toEqual({});
    });

    test('that fail in the middle roll their whole batch back', async () => {
      await sql`ALTER TABLE slotkeeper.windows ADD CONSTRAINT fault CHECK (date <> ${sql.lit(NEXT)})`.execute(
        db,
      );
      const batch = [
        { id: 'fault-1', type: 'occupied', calendar: 'nowak', ...taken('apt', '10:00', '10:10') },
        { id: 'fault-2', type: 'available', calendar: 'nowak', from: NEXT, to: NEXT, windows: [open(NEXT)] },
      ];
      try {
        await expect(applyEvents(db, batch, START)).rejects.toThrow('fault');
        expect(await clinic.taken()).toEqual({});
        expect(await listDays(db, 'nowak', DAY, NEXT)).toEqual([]);
      } finally {
        await sql`ALTER TABLE slotkeeper.windows DROP CONSTRAINT fault`.execute(db);
      }
      expect((await applyEvents(db, batch, START)).result).toMatchObject({ accepted: 2, rejected: [] });
    });

    test('of several concurrent batches for one calendar are applied one after the other, and none is lost', async () => {
      await clinic.available(0, DAY, DAY, [open(DAY)]);
      const before = await generationOfDay();
      await Promise.all(
        Array.from({ length: 6 }, (_, n) => clinic.occupied(0, `apt-${n}`, `10:${n}0`, '18:00')),
      );
      expect(await generationOfDay()).toBe(before + 6);
      expect(Object.keys(await clinic.taken())).toHaveLength(6);
    });
  });

  describe('snapshots', () => {
    test('replace the state of their dates where they are complete', async () => {
      await clinic.available(0, DAY, NEXT, [open(DAY), open(NEXT)]);
      await clinic.occupied(0, 'stays', '09:00', '09:10');
      await clinic.occupied(0, 'goes', '10:00', '10:10');
      const result = await clinic.snapshot(1, {
        windows: [open(DAY, '08:00', '16:00')],
        occupancy: [taken('stays', '09:00', '09:10'), taken('is new', '13:00', '13:10')],
      });
      expect(result).toMatchObject({ changedDays: 1, occupied: 1, released: 1, unchanged: 1 });
      expect(await clinic.taken()).toEqual({
        stays: '11-16T09:00 11-16T09:10',
        'is new': '11-16T13:00 11-16T13:10',
      });
      expect(await clinic.windows()).toEqual(['11-16T08:00 11-16T16:00', '11-17T08:00 11-17T18:00']);
    });

    test('and concurrent events for one calendar are applied one after the other', async () => {
      await clinic.available(0, DAY, DAY, [open(DAY)]);
      await Promise.all([
        ...Array.from({ length: 4 }, (_, n) => clinic.occupied(2, `apt-${n}`, `10:${n}0`, '18:00')),
        ...Array.from({ length: 4 }, (_, n) =>
          clinic.snapshot(2, {
            takenAt: at(1),
            windows: [open(DAY)],
            occupancy: [taken(`own-${n}`, '09:00', '09:10')],
          }),
        ),
      ]);
      const refs = Object.keys(await clinic.taken());
      expect(refs.filter((ref) => ref.startsWith('apt'))).toHaveLength(4);
    });

    test('are held in the transaction of their notification, and a person approves them', async () => {
      await clinic.available(0, DAY, NEXT, [open(DAY), open(NEXT)]);
      const fails = async () => {
        throw new Error('cannot be told');
      };
      const holds = new HeldChanges({
        db,
        enqueuer: { enqueueCalendar: async () => {} },
        now: () => START + 10_000,
      });
      const emptied = { to: NEXT };
      const options = { deletionGuard: { share: 0.5 } };
      await expect(clinic.snapshot(1, emptied, { ...options, onHeld: fails })).rejects.toThrow('told');
      expect(await holds.list()).toEqual([]);
      const { held } = await clinic.snapshot(2, emptied, options);
      expect(held).toMatchObject({ dates: [DAY, NEXT] });
      expect(await clinic.windows()).toHaveLength(2);
      expect(await holds.settle('release', [held?.id ?? ''])).toEqual({ done: 1, unknown: [] });
      expect(await clinic.windows()).toEqual([]);
    });

    test('of a source are staged and applied together', async () => {
      const lines = [
        { calendar: 'nowak', from: DAY, to: DAY, windows: [open(DAY)], occupancy: [] },
        { calendar: 'nowak', from: NEXT, to: NEXT, windows: [open(NEXT)], occupancy: [] },
        { complete: true },
      ];
      const server = createServer((_, response) => {
        response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      });
      atEndOfTest(async () => {
        server.closeAllConnections();
        server.close();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const source = { type: 'http', url, timeoutSeconds: 60 } as const;
      const pull = () =>
        pullSource(
          { ...account(), source },
          {
            db,
            now: () => START + 10_000,
            apply: (id, body, arrival) =>
              applySnapshot(db, id, body, { ...arrival, now: START + 20_000, deletionGuard: undefined }),
          },
        );
      const whole = { complete: true, snapshots: 2, problems: [] };
      expect(await Promise.all([pull(), pull()])).toMatchObject([whole, whole]);
      expect(await clinic.windows()).toHaveLength(2);
      expect(await db.selectFrom('slotkeeper.staged_snapshots').selectAll().execute()).toEqual([]);
    });
  });
});
