// Tests processes that start for the first time at the same time, on one empty database.
import { expect, test } from '@jest/globals';
import { openDatabase } from '../../src/db/database.js';
import { Queues } from '../../src/queue/queues.js';
import { freshDatabase } from '../support/postgres.js';

test('several processes create the tables of one empty database at the same time', async () => {
  const { url } = await freshDatabase();
  const databases = await Promise.all(Array.from({ length: 6 }, () => openDatabase({ url, poolSize: 2 })));
  const connected = await Promise.allSettled(
    databases.map(({ pool }) =>
      new Queues({ store: { kind: 'database', pool }, onError: () => {} }).connect(),
    ),
  );
  await Promise.all(databases.map((database) => database.close()));
  expect(connected.filter(({ status }) => status === 'rejected')).toEqual([]);
});
