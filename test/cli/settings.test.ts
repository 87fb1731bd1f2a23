import { describe, expect, test } from '@jest/globals';
import { createLog } from '../../src/lib/log.js';
import { postgresDatabase } from '../db/databases.js';
import { upcomingExample } from '../engine/founding-example.js';
import { eventually } from '../support/eventually.js';
import { ACCOUNT, clinicAt, folderHeldBy } from './clinic.js';
import { run } from './run.js';

describe('a command beside a running engine', () => {
  test.each([['over HTTP'], ['on its database']])(
    '%s needs none of the variables that the accounts of the file name',
    async (way) => {
      const clinic = await clinicAt({ databaseUrl: await postgresDatabase() });
      const { call } = await clinic.open();
      const { CLIENT_SECRET: _, SLOTKEEPER_API_KEY = '', DATABASE_URL = '', ...rest } = clinic.env;
      const env =
        way === 'over HTTP'
          ? { ...rest, SLOTKEEPER_API_KEY, SLOTKEEPER_DATA: await folderHeldBy(call.url) }
          : { ...rest, DATABASE_URL };
      const options = { cwd: clinic.folder, env: { ...env, LOG_LEVEL: 'fatal' } };
      for (const args of [['failed', 'list'], ['held', 'list'], ['status']]) {
        expect(await run(args, options)).toMatchObject({ code: 0, stderr: '' });
      }
    },
  );

  test('refuses a missing --config where it opens the database itself', async () => {
    const env = { DATABASE_URL: await postgresDatabase(), LOG_LEVEL: 'fatal' };
    expect(await run(['failed', 'list', '--config', 'none.yaml'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('none.yaml: there is no such file'),
    });
  });

  test('status --check exits 1 where a person is needed, and 0 where none is', async () => {
    const clinic = await clinicAt({ databaseUrl: await postgresDatabase() });
    const { call } = await clinic.open();
    const way = { cwd: clinic.folder, env: { ...clinic.env, LOG_LEVEL: 'fatal' } };
    expect(await run(['status', '--check'], way)).toMatchObject({ code: 0 });
    clinic.sandbox.setEstate(undefined, [{ id: 'clinic', secret: 'another' }]);
    await call('POST', '/v1/events', { events: upcomingExample().events });
    const refused = async () => await run(['status', '--check', '--json'], way);
    const { stdout } = await eventually(async () => {
      const ran = await refused();
      return ran.code === 1 ? ran : undefined;
    });
    expect(JSON.parse(stdout).accounts).toMatchObject([
      {
        account: ACCOUNT,
        state: 'refused',
        reason: expect.stringContaining('the token or the credentials are not accepted'),
      },
    ]);
    // A refused account cannot be dropped.
    expect(await run(['failed', 'drop', '--all'], way)).toMatchObject({ code: 0, stdout: '0 dropped\n' });
    expect((await run(['failed', 'list'], way)).stdout).toContain(`account/${ACCOUNT}\n`);
  });
});

describe('the log', () => {
  const logged = (format: object): string => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line) => lines.push(line) }, format);
    log.warn({ calendar: 'nowak', clientSecret: 's3cret' }, 'publishing failed');
    return lines.join('');
  };

  test('is JSON lines for machines', () => {
    expect(JSON.parse(logged({}))).toMatchObject({ level: 40, calendar: 'nowak', clientSecret: '[removed]' });
  });

  test('is one line for people on a terminal, without secrets', () => {
    expect(logged({ readable: true })).toMatch(
      /^\[\d\d:\d\d:\d\d\] WARN: publishing failed \{"calendar":"nowak","clientSecret":"\[removed\]"\}\n$/,
    );
  });

  test('has colours on a terminal that has them', () => {
    expect(logged({ readable: true, colour: true })).toContain('\u001b[');
  });
});
