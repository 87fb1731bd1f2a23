// The nightly resync comes by itself: from the configuration, by the queue's own clock, in the account's turn.
import { expect, test } from '@jest/globals';
import { addDays, localDate } from '../../src/core/index.js';
import { eventually } from '../support/eventually.js';
import { backends } from './backends.js';
import { accountConfig, CALENDAR, calendarConfig } from './founding-example.js';
import { settled, startEngine, startMarketplace } from './running.js';

test.each(backends)('a night that comes every second is resynced on $name', async ({ fresh }) => {
  const sandbox = await startMarketplace({ now: Date.now });
  const account = accountConfig(sandbox.url);
  const engine = await startEngine(await fresh(), {
    now: Date.now,
    config: {
      accounts: [account],
      calendars: [calendarConfig],
      publish: { sweepSeconds: 0.3 },
      // Its turn is somewhere in the 600 ms after its time.
      resync: { cron: '* * * * * *', spreadMinutes: 0.01 },
    },
  });
  const date = addDays(localDate(Date.now(), account.timeZone), 2);
  const window = { start: `${date}T10:00`, end: `${date}T11:00`, services: [{ id: '123', duration: 20 }] };
  await engine.events([
    { id: 'evt-1', type: 'available', calendar: CALENDAR, from: date, to: date, windows: [window] },
  ]);
  await settled(engine);
  const found = await eventually(async () => {
    const nights = await engine.db
      .selectFrom('slotkeeper.resyncs')
      .select('id')
      .where('state', '=', 'done')
      .execute();
    const reports = await Promise.all(nights.map(({ id }) => engine.resyncs.report(id)));
    return reports.find((report) => report !== undefined && report.daysCompared > 0);
  });
  expect(found).toMatchObject({ state: 'done', dryRun: false, calendars: 1, writes: 0, failures: [] });
  await engine.stop();
});
