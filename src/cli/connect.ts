/**
 * Connects a command to the database and the queue. With PostgreSQL the command opens them in this process. The embedded database
 * serves one process, so where a running engine has it open, the command uses that engine's HTTP API.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Role } from '../api/roles.js';
import { loadConfig } from '../config/load.js';
import { FolderInUseError } from '../db/folder-in-use-error.js';
import { findHolder } from '../db/folder-lock.js';
import type { Slotkeeper } from '../engine.js';
import { exitWithError, UsageError } from './exit.js';
import { HttpApi } from './http-api.js';
import type { Io } from './io.js';
import { type CommandSettings, readSettings } from './settings.js';

export type Connected =
  | { readonly kind: 'engine'; readonly engine: Slotkeeper }
  | { readonly kind: 'http'; readonly api: HttpApi };

export interface EngineOptions {
  /** The value of `--config`. */
  readonly file?: string | undefined;
  /** The roles of an engine in this process; default none. */
  readonly roles?: readonly Role[];
  /** Default: the settings of the environment. */
  readonly settings?: CommandSettings;
}

/**
 * The sections of the file that an engine in this process needs. Accounts and calendars are in the database, so the command does
 * not need the environment variables that they name.
 */
const SECTIONS = ['publish', 'holds', 'delivery', 'resync', 'history', 'network'] as const;

/**
 * @param use receives the engine of this process, or the HTTP API of a running engine
 * @throws {UsageError} where there is neither a database nor a running engine
 */
export async function withEngine<T>(
  io: Io,
  { file, roles = [], settings: { settings, log } = readSettings(io) }: EngineOptions,
  use: (connected: Connected) => Promise<T>,
): Promise<T> {
  const { now, timers, env, cwd } = io;
  if (settings.DATABASE_URL === undefined) {
    const folder = resolve(settings.SLOTKEEPER_DATA);
    const holder = findHolder(folder);
    if (holder !== undefined) {
      if (holder.url === undefined) throw new FolderInUseError(folder, holder);
      if (settings.SLOTKEEPER_API_KEY === undefined) {
        throw new UsageError(`the engine at ${holder.url} requires its API key: set SLOTKEEPER_API_KEY`);
      }
      return await use({ kind: 'http', api: new HttpApi(holder.url, settings.SLOTKEEPER_API_KEY) });
    }
    if (!existsSync(join(folder, 'pgdata'))) {
      throw new UsageError(
        `there is no slotkeeper database in ${folder}: run the command in the folder where slotkeeper was started, ` +
          'or set SLOTKEEPER_DATA to the folder or DATABASE_URL to the database',
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
    onDatabaseLost: exitWithError(io),
  });
  await engine.start();
  try {
    return await use({ kind: 'engine', engine });
  } finally {
    await engine.stop();
  }
}
