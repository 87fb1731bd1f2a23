/**
 * The two that are compared, in a thread of their own, so that who asks them takes none of their time: Slotkeeper's push
 * endpoint, and a bare Fastify route that inserts the same body into a table.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { fastify } from 'fastify';
import pg from 'pg';
import { createApp, createLog, type Role, Slotkeeper } from 'slotkeeper';
import { Sandbox } from 'slotkeeper/sandbox';
import { addressOf } from '../publish/backends.js';
import { dayAhead } from '../publish/events.js';
import { CALENDARS, DAYS, FIRST_DAY } from './notifications.js';

export interface ServersInput {
  readonly databaseUrl: string;
  readonly bareUrl: string;
  readonly roles: readonly Role[];
}

export interface Addresses {
  readonly engine: string;
  readonly bare: string;
}

export const PUSH_KEY = 'bench-push';
/** As many as the engine has. */
const CONNECTIONS = 24;
const ROOMY = { writesPerMinute: 1_000_000, writesPerHour: 1_000_000, requestsPerHour: 1_000_000 };

if (parentPort !== null) {
  const { databaseUrl, bareUrl, roles } = workerData as ServersInput;
  const sandbox = new Sandbox({
    keepRequests: 1_000,
    timeZone: 'UTC',
    limits: { writesPerMinute: null, writesPerHour: null },
  });
  const account = {
    id: 'bench',
    baseUrl: await sandbox.start(),
    clientId: 'bench',
    clientSecret: 'bench',
    timeZone: 'UTC',
    limits: ROOMY,
    notifications: { mode: 'push', apiKey: PUSH_KEY },
  } as const;
  const engine = new Slotkeeper({
    databaseUrl,
    roles,
    encryptionKey: randomBytes(32).toString('base64'),
    log: createLog('error'),
    config: {
      accounts: [account],
      calendars: Array.from({ length: CALENDARS }, (_, n) => ({
        id: `c${n}`,
        account: 'bench',
        ...addressOf(n),
      })),
    },
  });
  await engine.start();
  for (let calendar = 0; calendar < CALENDARS; calendar += 1) {
    const windows = Array.from({ length: DAYS }, (_, n) => ({
      start: `${dayAhead(FIRST_DAY + n)}T06:00:00+00:00`,
      end: `${dayAhead(FIRST_DAY + n)}T22:00:00+00:00`,
      services: [{ id: '1', duration: 10 }],
    }));
    const event = {
      type: 'available',
      calendar: `c${calendar}`,
      from: dayAhead(FIRST_DAY),
      to: dayAhead(FIRST_DAY + DAYS - 1),
    } as const;
    await engine.events([{ id: `windows-${calendar}`, ...event, windows }]);
  }
  const app = createApp({ engine, apiKey: 'bench' });

  const pool = new pg.Pool({ connectionString: bareUrl, max: CONNECTIONS });
  await pool.query(`CREATE TABLE bare (id bigserial PRIMARY KEY, body jsonb NOT NULL)`);
  const bare = fastify();
  bare.post('/bare', async (request) => {
    await pool.query('INSERT INTO bare (body) VALUES ($1)', [JSON.stringify(request.body)]);
    return {};
  });

  const addresses: Addresses = {
    engine: await app.listen({ host: '127.0.0.1', port: 0 }),
    bare: await bare.listen({ host: '127.0.0.1', port: 0 }),
  };
  parentPort.postMessage(addresses);
  await once(parentPort, 'message');
  await Promise.all([app.close(), bare.close()]);
  await engine.stop();
  await pool.end();
  await sandbox.stop();
  parentPort.close();
}
