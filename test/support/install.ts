// Gets missing servers from Debian's packages, and lets those packages start nothing and make no database cluster.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { findOnPath } from './programs.js';

/** Debian packages; each is also the name of the service that it brings. */
export type Package = 'postgresql' | 'redis-server';

const execute = promisify(execFile);

const POLICY = '/usr/sbin/policy-rc.d';
const NO_CLUSTER = '/etc/postgresql-common/createcluster.d/slotkeeper-tests.conf';

/** Throws, and says what to do instead, where packages cannot be installed. */
export async function install(packages: readonly Package[]): Promise<void> {
  const wanted = packages.join(' ');
  if ((await findOnPath('apt-get')) === undefined || process.getuid?.() !== 0) {
    throw new Error(
      `The tests need ${wanted}. Install them (on Debian, as root: apt-get install ${wanted}), or name running servers ` +
        'in DATABASE_URL and REDIS_URL. The tests install them by themselves only as root on Debian.',
    );
  }
  process.stderr.write(`The tests need ${wanted}: installing with apt-get.\n`);
  await withoutServices(async () => {
    await apt('update').catch(note); // A source that fails may be one that is not needed here.
    await apt('install', '--yes', '--no-install-recommends', ...packages);
  });
  // Where systemd runs, the packages have also arranged that their services start with the machine.
  if (existsSync('/run/systemd/system')) await run('systemctl', ['disable', ...packages]);
}

async function withoutServices(work: () => Promise<void>): Promise<void> {
  const aside = `${POLICY}.before-slotkeeper-tests`;
  // Where something stands aside already, an earlier run was killed, and what is in its place is ours.
  if (existsSync(POLICY) && !existsSync(aside)) await rename(POLICY, aside);
  try {
    // 101 forbids the action (invoke-rc.d asks this program first). It forbids nothing once this process is gone, so
    // that it does no harm where it is left behind.
    await writeFile(POLICY, `#!/bin/sh\n[ ! -d /proc/${process.pid} ] || exit 101\n`);
    await chmod(POLICY, 0o755);
    await mkdir(dirname(NO_CLUSTER), { recursive: true });
    await writeFile(NO_CLUSTER, 'create_main_cluster = false\n');
    await work();
  } finally {
    await rm(NO_CLUSTER, { force: true });
    await rm(POLICY, { force: true });
    if (existsSync(aside)) await rename(aside, POLICY);
  }
}

function apt(...args: readonly string[]): Promise<void> {
  // Somebody else's apt-get may be at work: wait for its lock.
  return run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args]);
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const running = execute(command, args, { env, maxBuffer: 64 * 1024 * 1024 });
  running.child.stdin?.end();
  await running;
}

function note(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
