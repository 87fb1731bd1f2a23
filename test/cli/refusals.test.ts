import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { tempDir } from '../support/temp-dir.js';
import { type Ran, run } from './run.js';

const CLIENT = 'clientId: clinic, clientSecret: s3cret-of-the-client';

/** A port on which nothing listens. */
const PORT = 1;

interface Attempt {
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
  /** Its slotkeeper.yaml. */
  readonly yaml?: string;
}

/** Runs `slotkeeper start`, with a key and a port, where it must be refused. */
async function attempt({ env = {}, args = [], yaml }: Attempt): Promise<Ran> {
  const cwd = await tempDir();
  if (yaml !== undefined) writeFileSync(join(cwd, 'slotkeeper.yaml'), yaml);
  const all = { SLOTKEEPER_API_KEY: 's3cret-key', PORT: '0', LOG_LEVEL: 'fatal', ...env };
  return await run(['start', ...args], { cwd, env: all });
}

async function expectRefusal(what: Attempt, message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await attempt(what);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/s3cret|node_modules|^\s+at /m);
}

describe('slotkeeper start refuses', () => {
  test.each<[string, Attempt, RegExp]>([
    [
      'a configuration that is not there',
      { args: ['--config', 'no.yaml'] },
      /no\.yaml: there is no such file/,
    ],
    [
      'one named by SLOTKEEPER_CONFIG that is not there',
      { env: { SLOTKEEPER_CONFIG: 'no.yaml' } },
      /no\.yaml: there is no such file/,
    ],
    ['a configuration that cannot be read', { args: ['--config', '.'] }, /cannot be read \(EISDIR\)/],
    ['what is no YAML', { yaml: 'accounts: [\n  - : }' }, /slotkeeper\.yaml: line \d: /],
    [
      'a value that is wrong',
      { yaml: `accounts: [{ id: a, ${CLIENT}, domain: x.pl, timeZone: Mars/Olympus }]` },
      /accounts\[0\]\.timeZone: is not a time zone/,
    ],
    ['a key that is unknown', { yaml: 'publish: { debounce: 3 }' }, /publish\.debounce: is not known here/],
    [
      'a variable that is not set',
      { yaml: `accounts: [{ id: a, clientId: c, clientSecret: \${NOT_SET}, domain: jameda.de }]` },
      /accounts\[0\]\.clientSecret: the environment variable NOT_SET is not set/,
    ],
    ['to serve without a key', { env: { SLOTKEEPER_API_KEY: '' } }, /SLOTKEEPER_API_KEY: is not set/],
    ['a port that is none', { env: { PORT: 'eighty' } }, /PORT: must be a port number/],
    [
      'a database URL that is none',
      { env: { DATABASE_URL: 'mysql://user:s3cret@host/db' } },
      /DATABASE_URL: must be a URL that begins with postgres:\/\//,
    ],
    ['a role that is none', { args: ['--roles', 'api,boss'] }, /the roles are api, worker, scheduler/],
    ['an option that is none', { args: ['--fast'] }, /unknown option '--fast'/],
  ])('%s, with exit code 2 and the reason', async (_, what, message) => {
    await expectRefusal(what, message);
  });

  test('a calendar without its account, which may be in the database, with exit code 2 and the reason', async () => {
    const yaml = 'calendars: [{ id: c, account: a, facilityId: 1, doctorId: 2, addressId: 3 }]';
    const env = { DATABASE_URL: await postgresDatabase() };
    await expectRefusal({ env, yaml }, /calendars\[0\]\.account: there is no account "a"/);
  });

  test('to run without its PostgreSQL, with exit code 1, and never prints the password', async () => {
    const env = { DATABASE_URL: `postgres://clinic:s3cret@127.0.0.1:${PORT}/record` };
    const { code, stderr } = await attempt({ env });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `slotkeeper: PostgreSQL at postgres://127.0.0.1:${PORT}/record cannot be used: connect ECONNREFUSED 127.0.0.1:${PORT}\n`,
    );
  });

  test('to run without its Redis, with exit code 1, and never prints the password', async () => {
    const env = { DATABASE_URL: await postgresDatabase(), REDIS_URL: `redis://:s3cret@127.0.0.1:${PORT}/1` };
    const { code, stderr } = await attempt({ env });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `slotkeeper: Redis at redis://127.0.0.1:${PORT}/1 cannot be used: connect ECONNREFUSED 127.0.0.1:${PORT}\n`,
    );
  });
});
