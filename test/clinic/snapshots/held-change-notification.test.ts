import { expect, test } from '@jest/globals';
import { addDays, localDate } from '../../../src/core/index.js';
import { Slotkeeper, type SlotkeeperOptions } from '../../../src/engine.js';
import { createLog } from '../../../src/lib/log.js';
import { Sandbox } from '../../../src/sandbox/index.js';
import { ENCRYPTION_KEY, postgresDatabase } from '../../db/databases.js';
import { addressOf, ClinicFixture, ZONE } from '../../support/clinic-fixture.js';
import { eventually } from '../../support/eventually.js';
import { atEndOfTest } from '../../support/release.js';

test('a held change is notified to the clinic once, and counted in the status', async () => {
  const fixture = await ClinicFixture.open();
  await fixture.open();
  await fixture.untilAtRest();
  const emptied = { from: fixture.date, to: fixture.date, complete: true, windows: [], occupancy: [] };

  const outcome = await fixture.engine.snapshot('nowak', emptied);

  expect(outcome).toMatchObject({ kind: 'taken', result: { held: { dates: [fixture.date] } } });
  expect((await fixture.engine.status()).held).toBe(1);
  const { items } = await fixture.engine.notifications();
  expect(items).toMatchObject([
    {
      name: 'held',
      account: 'many',
      calendar: 'nowak',
      data: { cause: 'snapshot', dates: [fixture.date], losses: [{ scope: 'calendar', of: 'windows' }] },
    },
  ]);
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
});

test('a change that a process without a key holds is notified once by a process with a key', async () => {
  const sandbox = new Sandbox();
  atEndOfTest(() => sandbox.stop());
  const account = {
    id: 'many',
    baseUrl: await sandbox.start(),
    clientId: 'many',
    clientSecret: 'secret',
    timeZone: ZONE,
  };
  const databaseUrl = await postgresDatabase();
  const start = async (options: Partial<SlotkeeperOptions>): Promise<Slotkeeper> => {
    const engine = new Slotkeeper({
      databaseUrl,
      encryptionKey: ENCRYPTION_KEY,
      log: createLog('silent'),
      ...options,
    });
    atEndOfTest(() => engine.stop());
    await engine.start();
    return engine;
  };
  const engine = await start({
    config: {
      accounts: [account],
      calendars: [{ id: 'nowak', account: 'many', ...addressOf('nowak') }],
      publish: { debounceMs: 0, sweepSeconds: 0.2 },
    },
  });
  const date = addDays(localDate(Date.now(), ZONE), 14);
  const window = { start: `${date}T10:00`, end: `${date}T11:00`, services: [{ id: 'visit', duration: 20 }] };
  const whole = { from: date, to: date, complete: true, occupancy: [] };
  await engine.snapshot('nowak', { ...whole, windows: [window] });

  const importer = await start({ roles: [] });
  const empty = async () => {
    const outcome = await importer.snapshot('nowak', { ...whole, windows: [] });
    return outcome.kind === 'taken' ? outcome.result.held?.id : undefined;
  };
  const hold = await empty();
  const items = async () => (await engine.notifications()).items;
  await eventually(async () => (await items()).length > 0);
  // Another round finds nothing more.
  const another = await empty();
  await eventually(async () => (await items()).length > 1);
  expect(hold).not.toBe(another);
  expect((await items()).map(({ name, data }) => [name, (data as { hold: string }).hold])).toEqual([
    ['held', hold],
    ['held', another],
  ]);
});
