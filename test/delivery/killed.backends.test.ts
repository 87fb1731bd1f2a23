import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { backends, environmentOf, type Place } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { type RunningProcess, startSlotkeeper } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { DeliveryFixture } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

/** Starts an engine that only delivers, as a process of its own. The time limits allow for a busy machine. */
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
  'a worker on $name that is killed between an attempt and its commit',
  ({ fresh }) => {
    test('has sent the notification, and its successor sends it again under the same id, in order', async () => {
      const place = await fresh();
      const key = randomBytes(32);
      const receiver = await Receiver.start();
      const fixture = await DeliveryFixture.open(place, { encryptor: new Encryptor([key]), parts: [] });
      const ids = await fixture.addAndEnqueue(
        ...Array.from({ length: 12 }, (_, n) => ({ calendar: ['nowak', 'lis', null][n % 3] ?? null })),
      );

      // The receiver has the item and never answers, so the worker does not know the outcome.
      receiver.answer = () => new Promise(() => {});
      const first = await startWorker(place, key.toString('base64'), receiver.url);
      const receivedIds = () => new Set(receiver.ids);
      await eventually(() => receivedIds().size === 3);
      await first.kill('SIGKILL');
      const unanswered = receivedIds();
      expect([...unanswered].sort()).toEqual(ids.slice(0, 3).toSorted());
      const before = receiver.received.length;

      // The receiver answers, and the worker is killed at about that time.
      receiver.answer = () => ({ status: 204 });
      const second = await startWorker(place, key.toString('base64'), receiver.url);
      await eventually(() => receiver.received.length >= before + 2, { within: 60_000 });
      await second.kill('SIGKILL');

      const third = await startWorker(place, key.toString('base64'), receiver.url);
      await eventually(() => ids.every((id) => receivedIds().has(id)), { within: 60_000 });
      const undelivered = fixture.database.db
        .selectFrom('slotkeeper.notifications')
        .select('id')
        .where('delivered_at', 'is', null);
      await eventually(async () => (await undelivered.execute()).length === 0);
      await third.kill('SIGTERM', { within: 60_000 });

      // Each is received at least once, those in doubt twice, and nothing else.
      expect(receivedIds()).toEqual(new Set(ids));
      for (const id of unanswered) expect(receiver.ids.filter((one) => one === id).length).toBeGreaterThan(1);
      for (const calendar of ['nowak', 'lis', null]) {
        const wanted = ids.filter((_, n) => (['nowak', 'lis', null][n % 3] ?? null) === calendar);
        expect([...new Set(receiver.idsOf(calendar))]).toEqual(wanted);
      }
      await fixture.close();
    });
  },
);
