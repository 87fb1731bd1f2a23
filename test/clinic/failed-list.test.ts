// An event of the queue that was refused, as a person sees it.
import { expect, test } from '@jest/globals';
import { applyEvents } from '../../src/clinic/apply-events.js';
import { serializeRejectedEvent } from '../../src/clinic/stored-event.js';
import { openDatabase } from '../../src/db/database.js';
import { saveRejectedEvent } from '../../src/db/tables/rejected-events.js';
import { run } from '../cli/run.js';
import { postgresDatabase } from '../db/databases.js';
import { NOW } from '../db/seed-rows.js';

test('failed list names a rejected event by its own id, and stores only its known fields', async () => {
  const url = await postgresDatabase();
  const { db, close } = await openDatabase({ url });
  const event = {
    id: 4711,
    type: 'occupied',
    calendar: 'nowak',
    ref: '',
    start: 1_796_636_400,
    patient: 'Kowalski',
  };
  const [rejected] = (await applyEvents(db, [event], NOW.getTime())).result.rejected;
  await saveRejectedEvent(db, { data: serializeRejectedEvent(event), reason: rejected?.reason ?? '' }, NOW);
  await close();
  const env = { DATABASE_URL: url, LOG_LEVEL: 'fatal' };
  const { code, stdout } = await run(['failed', 'list'], { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^event\/\d+ {2}event 4711\n/);
  for (const words of [
    'ref: must not be empty',
    'start: looks like seconds: send milliseconds or ISO 8601',
    'end: is required',
    'calendar: there is no calendar "nowak"',
  ]) {
    expect(stdout).toContain(words);
  }
  expect(stdout).not.toMatch(/Kowalski|Invalid/);
  const json = await run(['failed', 'list', '--json'], { env });
  expect(JSON.parse(json.stdout)).toMatchObject([{ kind: 'event', event: '4711', calendar: 'nowak' }]);
});
