/** `slotkeeper start`: runs the engine and its HTTP API until a signal stops it. */
import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { ROLES, type Role } from '../api/roles.js';
import { ConfigError } from '../config/config-error.js';
import { loadConfig } from '../config/load.js';
import type { Logger } from '../lib/log.js';
import { openEmbeddedOf } from '../setup/open-embedded.js';
import { exitWithError, FAILED, ReportedError } from './exit.js';
import type { Io } from './io.js';
import { ListenError, refuseBusyPort } from './listen.js';
import { configOption, readSettings } from './settings.js';
import { whileLoading } from './while-loading.js';

/** The limit from the signal to the exit of the process, in milliseconds. */
const STOP_MS = 29_000;

function parseRoles(text: string): Role[] {
  return text.split(',').map((name) => {
    const role = ROLES.find((known) => known === name.trim());
    if (role === undefined) throw new InvalidArgumentError(`the roles are ${ROLES.join(', ')}.`);
    return role;
  });
}

export function startCommand(io: Io): Command {
  return new Command('start')
    .description('run the engine: the HTTP API, the workers, the scheduler')
    .addOption(configOption())
    .option('--roles <roles>', `the roles of this process (default: ${ROLES.join()})`, parseRoles)
    .action(async (options: { config?: string; roles?: Role[] }) => {
      await start(io, options.config, options.roles ?? ROLES);
    });
}

async function start(io: Io, file: string | undefined, roles: readonly Role[]): Promise<void> {
  const { settings, log } = readSettings(io);
  const config = loadConfig(file ?? settings.SLOTKEEPER_CONFIG, io.env, io.cwd);
  const apiKey = settings.SLOTKEEPER_API_KEY;
  const serves = roles.includes('api');
  if (serves && apiKey === undefined) {
    const reason = 'is not set; clients of the HTTP API must send it';
    throw new ConfigError('the environment', [{ path: 'SLOTKEEPER_API_KEY', reason }]);
  }
  // The port is checked first, because the embedded database takes seconds to start.
  if (serves) await refuseBusyPort(settings.HOST, settings.PORT);
  // The modules are imported after the checks, so that errors of the configuration are reported at once.
  const { engine, createApp } = await whileLoading(async () => {
    const onProgress = (message: string): void => log.info(message);
    const onDatabaseLost = exitWithError(io);
    const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, SLOTKEEPER_DATA: data, HOST: host } = settings;
    // The embedded database starts in its own thread during the import. With Redis, the engine checks Redis first.
    const isAlone = databaseUrl === undefined && redisUrl === undefined;
    const [embedded, { Slotkeeper }, { createApp }] = await Promise.all([
      isAlone ? openEmbeddedOf({ data, log, onProgress, onDatabaseLost }) : undefined,
      import('../engine.js'),
      import('../server/app.js'),
    ]);
    const engine = new Slotkeeper({
      databaseUrl,
      data,
      embedded,
      redisUrl,
      encryptionKey: settings.SLOTKEEPER_ENCRYPTION_KEY,
      host,
      config,
      roles,
      log,
      now: io.now,
      timers: io.timers,
      onProgress,
      onDatabaseLost,
    });
    await engine.start();
    return { engine, createApp };
  });
  const stopped = waitForSignal(io);
  const ended = new AbortController();
  let isFinished = false;
  try {
    const trustProxy = settings.HTTP_TRUST_PROXY;
    const app = serves && apiKey !== undefined ? createApp({ engine, apiKey, trustProxy }) : undefined;
    if (app !== undefined) {
      const url = await app.listen({ host: settings.HOST, port: settings.PORT }).catch((error: unknown) => {
        throw new ListenError(settings.HOST, settings.PORT, error, 'PORT');
      });
      engine.announce(url);
      io.stdout.write(`slotkeeper listens on ${url}\n`);
    }
    log.info({ roles }, 'started');
    const signal = await stopped;
    log.info({ signal }, 'stopping: the active work is finished first');
    void exitAfterLimit(io, log, ended.signal);
    await app?.close();
  } finally {
    isFinished = await engine.stop();
    ended.abort();
  }
  log.info({ isFinished }, 'stopped');
  if (isFinished) return;
  // Unfinished requests may still wait for a response, which would keep the process alive.
  io.exit(FAILED);
  throw new ReportedError('the active work was not finished');
}

/** Exits although a service has not stopped within its own limit. */
async function exitAfterLimit({ timers, exit }: Io, log: Logger, ended: AbortSignal): Promise<void> {
  await timers.sleep(STOP_MS, ended);
  if (ended.aborted) return;
  log.error('stopping took too long; the process exits now');
  exit(FAILED);
}

/** Resolves with the first signal; the process exits at the second one. */
async function waitForSignal({ signals, exit }: Io): Promise<string> {
  const names = ['SIGINT', 'SIGTERM'] as const;
  const first = await Promise.race(names.map((name) => once(signals, name).then(() => name)));
  for (const name of names) signals.once(name, () => exit(FAILED));
  return first;
}
