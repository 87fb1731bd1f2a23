import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { RunningProcess } from './process.js';
import { atEndOfTest } from './release.js';
import { tempDir } from './temp-dir.js';

async function node(script: string, options: { stdin?: string; env?: Record<string, string> } = {}) {
  return RunningProcess.start(process.execPath, ['-e', script], { cwd: await tempDir(), ...options });
}

/** Whether anybody listens on the port of this machine. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

describe('a process', () => {
  test('is read on both streams, fed on the third, and asked how it ended', async () => {
    const cat = await node(
      'process.stdin.pipe(process.stdout); console.error("ready"); process.exitCode = 3',
      {
        stdin: 'hello\n',
      },
    );
    expect(await cat.exited).toEqual({ code: 3, signal: null });
    expect([cat.stdout, cat.stderr]).toEqual(['hello\n', 'ready\n']);
  });

  test('sees nothing of the settings around it', async () => {
    process.env.SLOTKEEPER_API_KEY = 'of the developer';
    atEndOfTest(async () => {
      delete process.env.SLOTKEEPER_API_KEY;
    });
    const print = await node('console.log(process.env.SLOTKEEPER_API_KEY, process.env.GIVEN)', {
      env: { GIVEN: 'x' },
    });
    await print.exited;
    expect(print.stdout).toBe('undefined x\n');
  });

  test('is waited for until it writes a line', async () => {
    const server = await node(
      'process.on("SIGHUP", () => console.log("listening on 1234")); setInterval(() => {}, 1000); console.log("up")',
    );
    await server.waitForLine('up');
    const line = server.waitForLine(/listening on \d+/);
    server.signal('SIGHUP');
    expect(await line).toBe('listening on 1234');
    expect(await server.waitForLine('listening')).toBe('listening on 1234');
    await expect(server.waitForLine('never', { within: 20 })).rejects.toThrow(
      /20 ms passed.*listening on 1234/s,
    );
  });

  test('that ends without the line fails the wait with its output', async () => {
    const broken = await node('console.error("no such file"); process.exit(1)');
    await expect(broken.waitForLine('ready')).rejects.toThrow(/ended with exit code 1.*no such file/s);
  });

  test('is ended with any signal', async () => {
    const sleeper = await node('setInterval(() => {}, 1000)');
    expect(await sleeper.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await sleeper.kill()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('that does not obey is killed, and the test fails', async () => {
    const stubborn = await node(
      'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)',
    );
    await stubborn.waitForLine('up');
    await expect(stubborn.kill('SIGTERM', { within: 50 })).rejects.toThrow(
      'still running 50 ms after SIGTERM',
    );
    expect(stubborn.running).toBe(false);
  });

  test('that cannot be started says so', async () => {
    await expect(RunningProcess.start('/no/such/program', [], { cwd: '/' })).rejects.toThrow('ENOENT');
  });

  test('does not outlive a test process that is killed, nor do its files', async () => {
    const files = join(await tempDir(), 'files');
    await mkdir(files);
    const port = await freePort();
    const loader = new URL('./jest/typescript.mjs', import.meta.url).href;
    const parent = await node(`import(${JSON.stringify(loader)}).then(async ({ importTypeScript }) => {
      const { RunningProcess } = await importTypeScript('../process.ts');
      const listen = 'require("node:net").createServer().listen(${port}, "127.0.0.1")';
      const options = { cwd: '/', removeIfOrphaned: [${JSON.stringify(files)}] };
      await RunningProcess.start(process.execPath, ['-e', listen], options);
    })`);
    await eventually(() => answers(port));
    await parent.kill('SIGKILL');
    await eventually(async () => !(await answers(port)));
    await eventually(() => !existsSync(files));
  });
});
