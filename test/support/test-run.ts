// What happens once before and once after all tests of a run.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runBegins } from './closing-line.js';
import { dropDatabases } from './postgres.js';
import { type GivenServers, type Services, startServices } from './services.js';
import { shareFailure, shareNothing, shareServices } from './shared-services.js';

/** What is used here of the settings that Jest hands over: the paths that it was asked to test. */
interface RunSettings {
  readonly testPathPatterns: { readonly patterns: readonly string[] };
}

// Rooms without a database or a queue: a run of nothing but their tests starts no servers.
const WITHOUT_SERVICES = /(^|\/)test\/(core|docplanner|sandbox)(\/|$)/;

const DATABASE_PREFIX = `slotkeeper_test_${randomBytes(4).toString('hex')}_`;

let services: Services | undefined;
/** What the environment said, for the time after the run. */
let given: GivenServers = {};

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The product as it stands: test files import what is built. Takes a second where it is built already. */
async function build(): Promise<void> {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [tsc, '-b', 'src'], { cwd: ROOT }).catch((error) => {
    throw new Error(`The product does not compile:\n${error.stdout}`);
  });
}

export async function beforeTheRun({ testPathPatterns: { patterns } }: RunSettings): Promise<void> {
  runBegins();
  const { DATABASE_URL, REDIS_URL } = process.env;
  given = { ...(DATABASE_URL && { DATABASE_URL }), ...(REDIS_URL && { REDIS_URL }) };
  // No test may reach a given server's own data because it forgot to say which database it means.
  delete process.env.DATABASE_URL;
  delete process.env.REDIS_URL;
  const needsServices = patterns.length === 0 || !patterns.every((pattern) => WITHOUT_SERVICES.test(pattern));
  const [built] = await Promise.allSettled([build(), ...(needsServices ? [serve()] : [])]);
  if (built.status === 'fulfilled') return;
  await afterTheRun();
  throw built.reason;
}

/** What goes wrong fails the tests that need it. */
async function serve(): Promise<void> {
  const { DATABASE_URL, REDIS_URL } = given;
  try {
    services = await startServices({ DATABASE_URL, REDIS_URL });
    const { databaseUrl, redisUrl } = services;
    shareServices({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, DATABASE_PREFIX });
  } catch (error) {
    const reason = `The tests' services did not start: ${explain(error)}`;
    process.stderr.write(`${reason}\n`);
    shareFailure(reason);
  }
}

export async function afterTheRun(): Promise<void> {
  shareNothing();
  Object.assign(process.env, given);
  if (services === undefined) return;
  try {
    // A server of the run's own goes with all that is in it.
    if (given.DATABASE_URL !== undefined) await dropDatabases(services.databaseUrl, DATABASE_PREFIX);
  } finally {
    await services.stop();
    services = undefined;
  }
}

/** Messages only: a driver's error can carry the command that failed, and with it a password. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${explain(error.cause)}`;
}
