// Where the servers' programs are on this machine, and as whom they can run.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The Redis server's path; Valkey's will do. */
export async function findRedis(): Promise<string | undefined> {
  return (await findOnPath('redis-server')) ?? (await findOnPath('valkey-server'));
}

/** The folder with `initdb` and `postgres`: from the PATH, else Debian's folder of the newest version. */
export async function findPostgres(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql';
  const versions = (await isThere(root)) ? (await readdir(root)).sort((a, b) => Number(b) - Number(a)) : [];
  for (const folder of [...pathFolders(), ...versions.map((version) => join(root, version, 'bin'))]) {
    if ((await isThere(join(folder, 'initdb'))) && (await isThere(join(folder, 'postgres')))) return folder;
  }
  return undefined;
}

/** The first program of this name on the PATH. */
export async function findOnPath(name: string): Promise<string | undefined> {
  for (const folder of pathFolders()) {
    if (await isThere(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

/** Someone to run PostgreSQL as, because it refuses to run as root; undefined where we are not root. */
export async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const user = (await ids('postgres')) ?? (await ids('nobody'));
  if (user === undefined)
    throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody');
  return user;
}

async function ids(name: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined; // `id` fails for a name that nobody has.
  }
}

function pathFolders(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
