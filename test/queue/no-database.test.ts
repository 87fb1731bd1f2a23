import { expect, test } from '@jest/globals';
import { openDatabase } from '../../src/db/database.js';
import { Queues } from '../../src/queue/queues.js';
import { freshDatabase } from '../support/postgres.js';

test('a start fails where the database is lost before a worker is connected, and the process stays responsive', async () => {
  const lost = await freshDatabase();
  const { pool, close } = await openDatabase({ url: lost.url, onError: () => {} });
  const queues = new Queues({ store: { kind: 'database', pool }, onError: () => {} });
  await queues.connect();
  await lost.drop();
  queues.startWorker('slotkeeper-publish', async () => {}, {});
  await expect(queues.waitUntilReady()).rejects.toThrow();
  // A worker that polls without a pause would block the timer.
  await new Promise((resolve) => setTimeout(resolve, 1));
  await queues.close();
  await close();
});
