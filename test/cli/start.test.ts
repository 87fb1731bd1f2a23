import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { clinicAt } from './clinic.js';
import { run } from './run.js';

describe('slotkeeper start', () => {
  test('refuses an occupied port before it opens a database', async () => {
    const clinic = await clinicAt({ databaseUrl: await postgresDatabase() });
    const { port } = new URL(clinic.sandbox.url);
    const { code, stderr } = await run(['start'], {
      cwd: clinic.folder,
      env: { ...clinic.env, DATABASE_URL: '', SLOTKEEPER_DATA: 'data', PORT: port },
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `slotkeeper: cannot listen on 127.0.0.1:${port}: another process uses the port; set another one with PORT\n`,
    });
    expect(existsSync(join(clinic.folder, 'data'))).toBe(false);
  });

  test('stops after one signal, and exits at once with 1 after a second one', async () => {
    const clinic = await clinicAt({ databaseUrl: await postgresDatabase() });
    const { command } = await clinic.open();
    command.signal('SIGINT');
    await eventually(() => command.written.stderr.includes('the active work is finished first'));
    expect(command.exits).toEqual([]);
    command.signal('SIGTERM');
    expect(command.exits).toEqual([1]);
    expect((await command.ended).code).toBe(0);
  });
});
