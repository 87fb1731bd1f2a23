import { expect, test } from '@jest/globals';
import { openDatabase } from '../../src/db/database.js';
import { Queues } from '../../src/queue/queues.js';
import { freshDatabase } from '../support/postgres.js';

test('a database that goes before a worker has its connection fails the start, and the process stays alive', async () => {
  const gone = await freshDatabase();
  const { pool, close } = await openDatabase({ url: gone.url, onError: () => {} });
  const queues = new Queues({ store: { kind: 'database', pool }, onError: () => {} });
  await queues.connect();
  await gone.drop();
  queues.startWorker('slotkeeper-publish', async () => {}, {});
  await expect(queues.waitUntilReady()).rejects.toThrow();
  // A worker that asks again without a pause would never let a timer have its turn.
  await new Promise((resolve) => setTimeout(resolve, 1));
  await queues.close();
  await close();
});
