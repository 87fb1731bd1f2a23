// A PostgreSQL server of one's own: in a temporary folder, on 127.0.0.1 and a free port, with a password nobody knows.
import { randomBytes } from 'node:crypto';
import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { type ProcessOptions, RunningProcess } from './process.js';
import { findPostgres, unprivilegedUser } from './programs.js';
import { ready, Server, type ServerOptions, serverFolder } from './server.js';

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: '64MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
};
/** Nothing is written to survive a crash, and no autovacuum takes the tests' time or changes their plans. */
const HASTY = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum: 'off',
};

export class PostgresServer extends Server {
  static async start({ durable = true }: ServerOptions = {}): Promise<PostgresServer> {
    const programs = await findPostgres();
    if (programs === undefined)
      throw new Error('No PostgreSQL on this machine: initdb and postgres are not found');
    const user = await unprivilegedUser();
    const folder = await serverFolder('postgres', user);
    const password = randomBytes(16).toString('hex');
    const port = await freePort();
    const data = join(folder, 'data');
    const settings = Object.entries({ ...SETTINGS, ...(durable ? {} : HASTY), port: String(port) });
    const args = ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const how = { cwd: folder, env: { LC_ALL: 'C' }, user, removeIfOrphaned: [folder] };
    const launch = async () => {
      const server = join(programs, 'postgres');
      const running = { ...how, endSignal: 'SIGQUIT', endsWithTest: false } as const;
      const process = await RunningProcess.start(server, args, running);
      return ready(process, /ready to accept connections/);
    };
    try {
      await initialize(join(programs, 'initdb'), data, password, how);
      const url = `postgres://slotkeeper:${password}@127.0.0.1:${port}/postgres`;
      const parts = { url, port, folder, launch, stopSignal: 'SIGINT', crashSignal: 'SIGQUIT' } as const;
      return new PostgresServer(parts, await launch());
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

async function initialize(
  initdb: string,
  data: string,
  password: string,
  how: ProcessOptions,
): Promise<void> {
  const passwordFile = join(how.cwd, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (how.user !== undefined) await chown(passwordFile, how.user.uid, how.user.gid);
  const choices = ['--auth=password', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  const args = ['-D', data, '-U', 'slotkeeper', `--pwfile=${passwordFile}`, ...choices];
  const process = await RunningProcess.start(initdb, args, how);
  const { code } = await process.exited;
  if (code !== 0) throw new Error(`initdb failed:\n${process.stdout}${process.stderr}`);
  await rm(passwordFile);
}
