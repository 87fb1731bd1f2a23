// The nightly resync, scheduled by the configuration and the queue's own clock.
import { expect, test } from '@jest/globals';
import { addDays, localDate } from '../../src/core/index.js';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { accountConfig, CALENDAR, calendarConfig } from './founding-example.js';
import { settled, startEngine, startMarketplace } from './running.js';

test('a resync that is scheduled every second runs', async () => {
  const sandbox = await startMarketplace({ now: Date.now });
  const account = accountConfig(sandbox.url);
  const engine = await startEngine(
    { databaseUrl: await postgresDatabase() },
    {
      now: Date.now,
      config: {
        accounts: [account],
        calendars: [calendarConfig],
        publish: { sweepSeconds: 0.3 },
        // It begins within 60 ms after its scheduled time.
        resync: { cron: '* * * * * *', spreadMinutes: 0.001 },
      },
    },
  );
  const date = addDays(localDate(Date.now(), account.timeZone), 2);
  const window = { start: `${date}T10:00`, end: `${date}T11:00`, services: [{ id: '123', duration: 20 }] };
  await engine.events([
    { id: 'evt-1', type: 'available', calendar: CALENDAR, from: date, to: date, windows: [window] },
  ]);
  await settled(engine);
  const nights = () => engine.db.selectFrom('slotkeeper.resyncs').select('id');
  // Earlier resyncs may have published what they found missing.
  const before = (await nights().execute()).map(({ id }) => id);
  const found = await eventually(async () => {
    const over = await nights().where('state', '=', 'done').execute();
    const night = over.find(({ id }) => !before.includes(id));
    return night && (await engine.resyncs.report(night.id));
  });
  expect(found).toMatchObject({
    state: 'done',
    dryRun: false,
    calendars: 1,
    daysCompared: 1,
    writes: 0,
    failures: [],
  });
  await engine.stop();
});
