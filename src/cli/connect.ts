/**
 * How a command reaches the engine's record and queue. With PostgreSQL or Redis it opens them itself. The
 * embedded database serves one process: where a running engine has it, the command asks that one over HTTP.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Role } from '../api/roles.js';
import { loadConfig } from '../config/load.js';
import { FolderInUseError } from '../db/folder-in-use-error.js';
import { findHolder } from '../db/folder-lock.js';
import type { Slotkeeper } from '../engine.js';
import { ending, UsageError } from './exit.js';
import { HttpApi } from './http-api.js';
import type { Io } from './io.js';
import { type CommandSettings, readSettings } from './settings.js';

export type Connected =
  | { readonly kind: 'engine'; readonly engine: Slotkeeper }
  | { readonly kind: 'http'; readonly api: HttpApi };

export interface EngineOptions {
  /** As named by `--config`. */
  readonly file?: string | undefined;
  /** What an engine in this process does besides being asked; default nothing. */
  readonly roles?: readonly Role[];
  /** Default: read from the environment. */
  readonly settings?: CommandSettings;
}

/**
 * What an engine in this process has to know of the file. Accounts and calendars it finds in the database, so that the
 * command needs none of the variables that they name.
 */
const SECTIONS = ['publish', 'holds', 'delivery', 'resync', 'network'] as const;

/**
 * @param use is given the engine of this process, or the HTTP API of the one that is running
 * @throws {UsageError} where there is no engine to be reached
 */
export async function withEngine<T>(
  io: Io,
  { file, roles = [], settings: { settings, log } = readSettings(io) }: EngineOptions,
  use: (reached: Connected) => Promise<T>,
): Promise<T> {
  const { now, timers, env, cwd } = io;
  if (settings.DATABASE_URL === undefined) {
    const folder = resolve(settings.SLOTKEEPER_DATA);
    const holder = findHolder(folder);
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
  const config = loadConfig(file ?? settings.SLOTKEEPER_CONFIG, env, cwd, SECTIONS);
  const { Slotkeeper } = await import('../engine.js');
  const engine = new Slotkeeper({
    databaseUrl: settings.DATABASE_URL,
    data: settings.SLOTKEEPER_DATA,
    redisUrl: settings.REDIS_URL,
    encryptionKey: settings.SLOTKEEPER_ENCRYPTION_KEY,
    host: settings.HOST,
    roles,
    config,
    log,
    now,
    timers,
    onDatabaseLost: ending(io),
  });
  await engine.start();
  try {
    return await use({ kind: 'engine', engine });
  } finally {
    await engine.stop();
  }
}
