/**
 * How a command reaches the engine's record and queue. With PostgreSQL or Redis it opens them itself. The
 * embedded database serves one process: where a running engine has it, the command asks that one over HTTP.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FileConfigInput } from '../config/schema.js';
import type { Role } from '../engine/roles.js';
import type { Slotkeeper } from '../engine.js';
import { FolderInUseError } from '../store/folder-in-use-error.js';
import { holderOf } from '../store/folder-lock.js';
import { UsageError } from './exit.js';
import { HttpApi } from './http-api.js';
import type { Io } from './io.js';
import type { CommandSettings } from './settings.js';

export type Reached =
  | { readonly kind: 'engine'; readonly engine: Slotkeeper }
  | { readonly kind: 'http'; readonly api: HttpApi };

export interface Own {
  /** What an engine in this process has to know of the file. */
  readonly config?: Pick<FileConfigInput, 'publish' | 'holds' | 'delivery' | 'resync'>;
  /** What it does besides being asked; default nothing. */
  readonly roles?: readonly Role[];
}

export async function withEngine<T>(
  { now, timers }: Io,
  { settings, log }: Pick<CommandSettings, 'settings' | 'log'>,
  use: (reached: Reached) => Promise<T>,
  { config = {}, roles = [] }: Own = {},
): Promise<T> {
  if (settings.DATABASE_URL === undefined) {
    const folder = resolve(settings.SLOTKEEPER_DATA);
    const holder = holderOf(folder);
    if (holder !== undefined) {
      if (holder.url === undefined) throw new FolderInUseError(folder, holder);
      if (settings.SLOTKEEPER_API_KEY === undefined) {
        throw new UsageError(`the engine at ${holder.url} asks for its key: set SLOTKEEPER_API_KEY`);
      }
      return await use({ kind: 'http', api: new HttpApi(holder.url, settings.SLOTKEEPER_API_KEY) });
    }
    if (!existsSync(join(folder, 'pgdata'))) {
      throw new UsageError(
        `there is no slotkeeper in ${folder}: run this where it was started, set SLOTKEEPER_DATA to its folder, ` +
          'or DATABASE_URL to its database',
      );
    }
  }
  const { Slotkeeper } = await import('../engine.js');
  const engine = new Slotkeeper({
    databaseUrl: settings.DATABASE_URL,
    data: settings.SLOTKEEPER_DATA,
    redisUrl: settings.REDIS_URL,
    encryptionKey: settings.SLOTKEEPER_ENCRYPTION_KEY,
    roles,
    config,
    log,
    now,
    timers,
  });
  await engine.start();
  try {
    return await use({ kind: 'engine', engine });
  } finally {
    await engine.stop();
  }
}
