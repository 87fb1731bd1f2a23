import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { backends, environmentOf, type Place } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { type RunningProcess, startSlotkeeper } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { Office } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

// Each test is several processes; a machine that is busy with others takes its time.
/** An engine that only delivers, as a process of its own. */
async function startWorker(place: Place, key: string, url: string): Promise<RunningProcess> {
  const cwd = await tempDir();
  const config = { delivery: { url, secret: SECRET }, publish: { lockMs: 1_000, sweepSeconds: 0.3 } };
  writeFileSync(join(cwd, 'slotkeeper.yaml'), JSON.stringify(config));
  const env = { ...environmentOf(place), SLOTKEEPER_ENCRYPTION_KEY: key };
  const process_ = await startSlotkeeper(['start', '--roles', 'worker,scheduler'], { cwd, env });
  await process_.waitForLine('"msg":"started"', { within: 60_000 });
  return process_;
}

describe.each(backends.slice(1))(
  'a worker on $name that is killed between an attempt and its record',
  ({ fresh }) => {
    test('has told the clinic, and whoever comes after it tells it again under the same id; the order holds', async () => {
      const place = await fresh();
      const key = randomBytes(32);
      const receiver = await Receiver.start();
      const office = await Office.open(place, { encryptor: new Encryptor([key]), parts: [] });
      const said = await office.say(
        ...Array.from({ length: 12 }, (_, n) => ({ calendar: ['nowak', 'lis', null][n % 3] ?? null })),
      );

      // It has the item and says nothing any more: the worker cannot know.
      receiver.answer = () => new Promise(() => {});
      const first = await startWorker(place, key.toString('base64'), receiver.url);
      const told = () => new Set(receiver.ids);
      await eventually(() => told().size === 3);
      await first.kill('SIGKILL');
      const unanswered = told();
      expect([...unanswered].sort()).toEqual(said.slice(0, 3).toSorted());
      const before = receiver.told.length;

      // It answers, and the worker dies somewhere around that.
      receiver.answer = () => ({ status: 204 });
      const second = await startWorker(place, key.toString('base64'), receiver.url);
      await eventually(() => receiver.told.length >= before + 2, { within: 60_000 });
      await second.kill('SIGKILL');

      const third = await startWorker(place, key.toString('base64'), receiver.url);
      await eventually(() => said.every((id) => told().has(id)), { within: 60_000 });
      const undelivered = office.database.db
        .selectFrom('slotkeeper.notifications')
        .select('id')
        .where('delivered_at', 'is', null);
      await eventually(async () => (await undelivered.execute()).length === 0);
      await third.kill('SIGTERM', { within: 60_000 });

      // Each at least once, those in doubt twice, and nothing else.
      expect(told()).toEqual(new Set(said));
      for (const id of unanswered) expect(receiver.ids.filter((one) => one === id).length).toBeGreaterThan(1);
      for (const calendar of ['nowak', 'lis', null]) {
        const wanted = said.filter((_, n) => (['nowak', 'lis', null][n % 3] ?? null) === calendar);
        expect([...new Set(receiver.idsOf(calendar))]).toEqual(wanted);
      }
      await office.close();
    });
  },
);
