// The secrets of accounts: unreadable in every table, dump, queue and file, and available to all that need them.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { Encryptor } from '../../src/crypto/encryptor.js';
import type { Slotkeeper } from '../../src/engine.js';
import { Receiver } from '../delivery/receiver.js';
import { serve } from '../server/served.js';
import { eventually } from '../support/eventually.js';
import { findPostgres } from '../support/programs.js';
import { atEndOfTest } from '../support/release.js';
import { filesIn, finderOf, keysAt, rowsIn } from '../support/written.js';
import { backends, type Place } from './backends.js';
import { ADDRESS, foundingExample } from './founding-example.js';
import { startEngine, startMarketplace, writesTo } from './running.js';

const PLANTED = {
  clientSecret: 'planted-client-secret',
  apiKey: 'planted-push-key',
  secret: `whsec_${Buffer.from('planted-webhook-secret').toString('base64')}`,
  header: 'planted-source-header',
};
const found = finderOf(Object.values(PLANTED));

/** A clinic's source that answers nothing useful and stores the requests. */
async function clinicsSource() {
  const seen: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    seen.push(headers.authorization);
    response.end('{"complete":true}\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEndOfTest(async () => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function clinic() {
  const [sandbox, receiver, source] = [
    await startMarketplace(),
    await Receiver.start(PLANTED.secret),
    await clinicsSource(),
  ];
  const clients = ['file', 'http'].map((id) => ({ id, secret: PLANTED.clientSecret }));
  sandbox.setEstate(undefined, clients);
  const fields = (clientId: string) => ({
    baseUrl: sandbox.url,
    clientId,
    clientSecret: PLANTED.clientSecret,
    timeZone: 'Europe/Warsaw',
    notifications: { mode: 'push' as const, apiKey: PLANTED.apiKey },
    delivery: { url: receiver.url, secret: PLANTED.secret },
    source: { type: 'http' as const, url: source.url, headers: { authorization: PLANTED.header } },
  });
  return { sandbox, receiver, source, fields };
}

/** Everything that the backend stores. */
async function writtenAt(place: Place, engine: Slotkeeper): Promise<(string | Buffer)[]> {
  const rows = await rowsIn({
    query: async (statement) => await sql.raw(statement).execute(engine.db),
  });
  expect(rows).toContain('slotkeeper.accounts');
  const keys = place.redisUrl === undefined ? '' : await keysAt(place.redisUrl);
  const dump = place.databaseUrl === undefined ? '' : await dumpOf(place.databaseUrl);
  return [rows, keys, dump];
}

/** The output of `pg_dump`, as in a clinic's backup; empty where the program is not installed. */
async function dumpOf(databaseUrl: string): Promise<string> {
  const program = join((await findPostgres()) ?? '', 'pg_dump');
  const dumped = promisify(execFile)(program, [databaseUrl], { maxBuffer: 1e9 });
  return await dumped.then(
    ({ stdout }) => stdout,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    },
  );
}

describe.each(backends)('the secrets of accounts on $name', ({ fresh }) => {
  test('are unreadable in everything that is stored, and available to all that need them', async () => {
    const place = await fresh();
    const { sandbox, receiver, source, fields } = await clinic();
    const engine = await startEngine(place, {
      config: {
        accounts: [{ id: 'file', ...fields('file') }],
        calendars: [{ id: 'nowak', account: 'file', ...ADDRESS }],
      },
    });
    receiver.now = engine.now;
    const call = await serve(engine);
    const put = async () => (await call('PUT', '/v1/accounts/http', fields('http'))).status;
    expect([await put(), await put()]).toEqual([201, 200]);

    await call('POST', '/v1/events', { events: foundingExample().events });
    await eventually(() => writesTo(sandbox).length > 0);
    for (const id of ['file', 'http']) {
      const path = `/v1/accounts/${id}/notifications`;
      const said = { name: 'new-kind', data: { id } };
      expect((await call('POST', path, said, { 'x-api-key': PLANTED.apiKey })).status).toBe(200);
      expect((await call('POST', path, said, { 'x-api-key': 'another' })).status).toBe(401);
    }
    await eventually(() => receiver.received.length === 2);
    expect(receiver.refused).toEqual([]);
    await engine.resyncs.begin({});
    await eventually(() => source.seen.length > 0);
    expect(source.seen[0]).toBe(PLANTED.header);

    for (const written of await writtenAt(place, engine)) expect(found(written)).toEqual([]);
    await engine.stop();
    if (place.data !== undefined) {
      const files = [...(await filesIn(place.data))];
      expect(files.length).toBeGreaterThan(100);
      expect(files.filter(([, content]) => found(content).length > 0).map(([path]) => path)).toEqual([]);
    }
  });

  test('written by an older version, or encrypted with an older key, are encrypted anew by the next start', async () => {
    const place = await fresh();
    const { sandbox, fields } = await clinic();
    const [old, key] = [randomBytes(32), randomBytes(32)];
    const before = await startEngine(place, { encryptionKey: old.toString('hex') });
    const call = await serve(before);
    for (const id of ['plain', 'http'])
      expect((await call('PUT', `/v1/accounts/${id}`, fields('http'))).status).toBe(201);
    await call('PUT', '/v1/calendars/nowak', { account: 'plain', ...ADDRESS });
    const { clientId: _, clientSecret, baseUrl: __, timeZone: ___, ...settings } = fields('http');
    await before.db
      .updateTable('slotkeeper.accounts')
      .set({
        client_secret: clientSecret,
        settings: JSON.stringify({
          limits: { writesPerMinute: 40, writesPerHour: 2_400, requestsPerHour: 8_000 },
          ...settings,
        }),
      })
      .where('id', '=', 'plain')
      .execute();
    expect(found((await writtenAt(place, before)).join('')).length).toBeGreaterThan(3);
    await before.stop();

    const encryptionKey = `${key.toString('hex')},${old.toString('hex')}`;
    const changing = await startEngine(place, { encryptionKey });
    for (const written of await writtenAt(place, changing)) expect(found(written)).toEqual([]);
    await changing.stop();

    const after = await startEngine(place, { encryptionKey: key.toString('hex') });
    await after.events(foundingExample().events);
    await eventually(() => writesTo(sandbox).length > 0);
    await after.stop();
    // The folder's own key is not used where another is configured.
    await expect(startEngine(place, { encryptionKey: old.toString('hex') })).rejects.toThrow(
      `lacks the key ${new Encryptor([key]).keyId}, with which the secrets of "http", "plain" are encrypted`,
    );
  });
});
