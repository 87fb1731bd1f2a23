// The chaos run: clinics that never stop, a marketplace that fails in every way, processes that are killed and servers
// that go away, all drawn from one seed. Then the faults stop, and everything must converge to the model.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sandbox } from '../../src/sandbox/index.js';
import { freePort } from '../support/free-port.js';
import { PostgresServer } from '../support/postgres-server.js';
import { RedisServer } from '../support/redis-server.js';
import type { Server } from '../support/server.js';
import { Clinic } from './clinic.js';
import { Convergence } from './convergence.js';
import { EstateChanges } from './estate-changes.js';
import { faultInjector } from './fault-injector.js';
import { apiUrlAt, Fleet } from './fleet.js';
import { InvariantChecker } from './invariants.js';
import { Storm } from './load.js';
import { Model } from './model.js';
import { NotificationConsumer } from './notification-consumer.js';
import { Outbox } from './outbox.js';
import { People } from './people.js';
import { Resyncs } from './resyncs.js';
import { SeededRandom } from './seeded-random.js';
import { Switcher } from './switcher.js';
import { configOf, drawWorld, estateOf } from './world.js';

export type Backend = 'pglite' | 'postgresql' | 'redis';

export interface ChaosOptions {
  readonly backend: Backend;
  readonly seed: number;
  /** How long the storm lasts at least. */
  readonly seconds: number;
  /** It lasts longer where less than this has happened by then. */
  readonly atLeast?: Partial<Happened>;
  /** How many times slower than usual the clinics work; default 1. */
  readonly slower?: number;
  /** How long the engine may take to come to rest after it. */
  readonly restWithinSeconds: number;
  /** The firewall's pauses and refusals too, and news that is lost with a process: they take minutes. */
  readonly severe: boolean;
  /** Whether one account has a scarce budget: rest then takes the minute in which it is spent. */
  readonly scarce: boolean;
  /** See {@link InvariantChecker}; 4,000 by default. */
  readonly computedWithinMs?: number;
  /** The command line to run; default the one that is built. */
  readonly program?: string | undefined;
  readonly onProgress?: (what: string) => void;
}

/** What happened in a storm, and until the end. */
export interface Happened {
  /** Acknowledged, copies included. */
  readonly events: number;
  /** Deliveries of events that failed and were repeated. */
  readonly repeated: number;
  readonly requests: number;
  readonly writes: number;
  /** Requests that changed breaks or placeholders. */
  readonly hidings: number;
  /** Those that were booked: where none ever is, breaks would hide everything, and nothing would be wrong at rest. */
  readonly placeholders: number;
  /** Changes of a calendar's strategy. */
  readonly switches: number;
  /** Begun, and how many of them were dry runs. */
  readonly resyncs: number;
  readonly dryRuns: number;
  /** Bookings that patients made, those that they moved to included. */
  readonly visits: number;
  /** Times that were sold twice, and are at the end. */
  readonly conflicts: number;
  /** Services and addresses that went or came back, and changes of how far readings are behind. */
  readonly estateChanges: number;
  /** Requests that met a fault. */
  readonly faults: number;
  /** Processes killed, or told to stop, and started again. */
  readonly kills: number;
  /** Servers stopped or crashed, and started again. */
  readonly outages: number;
}

export interface ChaosReport extends Happened {
  readonly backend: Backend;
  readonly seed: number;
  readonly restMs: number;
  /** See {@link InvariantChecker.counts}. */
  readonly oldestMs: number;
  readonly unjudged: number;
  /** The longest that this process, and with it the marketplace, was kept from its work. */
  readonly stalledMs: number;
  /** Everything that must never be; empty when all is well. */
  readonly wrong: readonly string[];
  /** What the processes said, where something is wrong. */
  readonly log: string;
}

const TIMEOUT_MS = 1_000;
/** A token, and the record, may take a moment each. */
const COMPUTED_WITHIN_MS = 4_000;
/** What has not happened by then is not going to. */
const MAX_STORM_MS = 600_000;
const MAX_WRONG = 50;

const ROLES: Readonly<Record<Backend, Readonly<Record<string, string>>>> = {
  pglite: { all: 'api,worker,scheduler' },
  postgresql: { api: 'api,scheduler', 'worker-1': 'worker', 'worker-2': 'worker' },
  redis: { api: 'api,scheduler', 'worker-1': 'worker', 'worker-2': 'worker' },
};

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { backend, seed, seconds, slower = 1, severe, onProgress = () => undefined } = options;
  const { computedWithinMs = COMPUTED_WITHIN_MS, atLeast = {} } = options;
  const wrong: string[] = [];
  const onWrong = (what: string): void => {
    if (wrong.length < MAX_WRONG) wrong.push(what);
    onProgress(`WRONG: ${what}`);
  };
  const world = drawWorld(seed, Date.now(), options.scarce, severe);
  const model = new Model(world);
  const open: (() => Promise<unknown>)[] = [];
  try {
    const servers = new Map<string, Server>();
    if (backend !== 'pglite') servers.set('PostgreSQL', await PostgresServer.start());
    if (backend === 'redis') servers.set('Redis', await RedisServer.start());
    open.push(() => Promise.all([...servers.values()].map((server) => server.remove())));

    const port = await freePort();
    const made = estateOf(world, apiUrlAt(port));
    const sandbox = new Sandbox({
      seed,
      ...made,
      keepRequests: 100,
      delivery: { repeat: 0.1, shuffle: 0.1 },
    });
    const baseUrl = await sandbox.start();
    open.push(() => sandbox.stop());
    const invariants = new InvariantChecker({ sandbox, world, model, computedWithinMs, onWrong });
    open.push(async () => invariants.close());

    const [databaseUrl, redisUrl] = [servers.get('PostgreSQL')?.url, servers.get('Redis')?.url];
    const fleet = await Fleet.start({
      config: configOf(world, baseUrl, TIMEOUT_MS),
      port,
      services: {
        ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
        ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
      },
      processes: ROLES[backend],
      program: options.program,
      onCrash: onWrong,
    });
    open.push(() => fleet.stop());

    const { apiUrl, apiKey } = fleet;
    const queue =
      redisUrl !== undefined ? { redisUrl } : databaseUrl !== undefined ? { databaseUrl } : undefined;
    // Whatever fails first, the others end before what they work with does.
    let allEnded: Promise<unknown> = Promise.resolve();
    open.push(() => allEnded);
    const outbox = new Outbox({ apiUrl, apiKey, model, onWrong, ...(queue === undefined ? {} : { queue }) });
    open.push(() => outbox.close());

    const switcher = new Switcher({ apiUrl, apiKey, world, model, seed, onWrong });
    await switcher.begin();
    const resyncs = new Resyncs({ apiUrl, apiKey, world, seed, onWrong });
    const people = new People({ sandbox, world, model, invariants, seed, onWrong });
    const changes = new EstateChanges({ sandbox, world, invariants, seed, unassigns: severe });
    const news = new NotificationConsumer({
      apiUrl,
      apiKey,
      sandbox,
      world,
      model,
      people,
      onWrong,
      onProgress,
    });
    open.push(async () => news.close());

    const stalls = monitorEventLoopDelay();
    stalls.enable();
    const until = Date.now() + seconds * 1_000;
    const storm = new Storm(until);
    open.push(async () => storm.end());
    const struck = { kills: 0, outages: 0 };
    const happened = (): Happened => {
      const { events, failures: repeated } = outbox.counts;
      const { visits } = people;
      const { conflicts } = news;
      const { switches } = switcher;
      return {
        events,
        repeated,
        ...invariants.counts,
        ...struck,
        ...resyncs.counts,
        visits,
        conflicts,
        switches,
        estateChanges: changes.count,
      };
    };
    onProgress(`the storm begins: seed ${seed} on ${backend}`);
    const clinics = world.calendars.map((calendar, n) => {
      const isScarce = calendar.account.id === 'scarce';
      const pace = isScarce
        ? ({ everyMs: [100, 500], most: 4 } as const)
        : ({ everyMs: [150 * slower, 900 * slower], most: 20 } as const);
      return new Clinic(calendar, outbox, seed, 10 + n, pace).work(storm);
    });
    const clients = world.accounts.map(({ clientId }) => clientId);
    const others = [switcher.work(storm), resyncs.work(storm), people.work(storm), changes.work(storm)];
    const skies = faultInjector(sandbox, clients, { seed, timeoutMs: TIMEOUT_MS, severe }, storm);
    const strikes = strike(new SeededRandom(seed, 2), fleet, servers, { storm, struck }, onProgress);
    allEnded = Promise.allSettled([...clinics, ...others, skies, strikes]);
    await Promise.race([enough(until, () => lacking(atLeast, happened()).length === 0), allEnded]);
    for (const what of lacking(atLeast, happened())) onWrong(`the storm had too few ${what}`);
    storm.end();
    await Promise.all([skies, strikes]);
    await fleet.allUp();
    const stormEnded = Date.now();
    const patience = options.restWithinSeconds * 1_000;
    onProgress('the faults have stopped');
    await within(
      patience,
      Promise.all([...clinics, ...others]),
      'the clinics could not deliver every event to the engine',
    );
    const seeing = { sandbox, world, model, people, news, resyncs };
    const convergence = new Convergence({ apiUrl, apiKey, ...seeing, onWrong, onProgress });
    onProgress('every event was delivered to the engine');
    sandbox.setDelivery({});
    changes.restore();
    people.lastAct();
    await news.come(Date.now(), stormEnded + patience);
    onProgress('every notification has arrived');
    await convergence.night(stormEnded + patience);
    await convergence.rest(stormEnded + patience);
    const restMs = Date.now() - stormEnded;
    onProgress('it is at rest');
    await convergence.check(Date.now() + patience);

    const { oldestMs, unjudged } = invariants.counts;
    const stalledMs = Math.round(stalls.max / 1_000_000);
    const report = { backend, seed, ...happened(), oldestMs, unjudged, restMs, stalledMs, wrong };
    return { ...report, log: wrong.length > 0 ? fleet.log : '' };
  } finally {
    for (const close of open.reverse()) await close();
  }
}

/** Resolves when the time is over and enough has happened, and at the latest when it is not going to. */
async function enough(until: number, hasHappened: () => boolean): Promise<void> {
  const deadline = Date.now() + MAX_STORM_MS;
  await sleep(until - Date.now());
  while (!hasHappened() && Date.now() < deadline) await sleep(100);
}

/** What has happened too seldom, in words. */
const lacking = (atLeast: Partial<Happened>, happened: Happened): string[] =>
  Object.entries(happened)
    .filter(([what, count]) => count < (new Map(Object.entries(atLeast)).get(what) ?? 0))
    .map(([what, count]) => `${what}: ${count}`);

/**
 * Kills processes and takes servers away, one after another, until it is over and all servers are back. What has not
 * happened yet comes first. A storm that lasts longer than it had to leaves the processes alone: on a busy machine, one
 * that is killed as soon as it is up would else never get anything done.
 */
async function strike(
  rng: SeededRandom,
  fleet: Fleet,
  servers: ReadonlyMap<string, Server>,
  { storm, struck }: { storm: Storm; struck: { kills: number; outages: number } },
  onProgress: (what: string) => void,
): Promise<void> {
  const kill = async (): Promise<void> => {
    const name = rng.pick(fleet.names);
    const signal = rng.chance(0.75) ? 'SIGKILL' : 'SIGTERM';
    if (name === undefined) return;
    onProgress(`${signal} ${name}`);
    await fleet.end(name, signal);
    struck.kills += 1;
  };
  const takeAway = async (): Promise<void> => {
    const name = rng.pick([...servers.keys()]);
    const server = servers.get(name ?? '');
    if (server === undefined) return;
    const crashes = rng.chance(0.5);
    onProgress(`${name} ${crashes ? 'crashes' : 'stops'}`);
    await (crashes ? server.crash() : server.stop());
    await sleep(rng.int(200, 2_500));
    if (rng.chance(0.3)) {
      const worker = rng.pick(fleet.names);
      const signal = rng.chance(0.5) ? 'SIGKILL' : 'SIGTERM';
      onProgress(`${signal} ${worker} meanwhile`);
      // It may have to wait for the server before it can end in good order.
      const ended = worker === undefined ? undefined : fleet.end(worker, signal);
      await Promise.race([ended, sleep(1_000)]);
      struck.kills += 1;
    }
    await server.restart();
    struck.outages += 1;
  };
  // One that is alone, and takes seconds to be there again, would else be away all the time.
  const [least, most] = fleet.names.length > 1 ? [700, 2_500] : [2_500, 6_000];
  while (await storm.pause(rng.int(least, most))) {
    const isEnough = struck.kills > 0 && (struck.outages > 0 || servers.size === 0);
    if (isEnough && storm.isMild) break;
    const isServersTurn = struck.outages === 0 || (struck.kills > 0 && rng.chance(0.45));
    await (servers.size > 0 && isServersTurn ? takeAway() : kill());
    // A process that is killed before it is up again teaches nothing new each time.
    if (fleet.names.length === 1 || rng.chance(0.7)) await fleet.allUp();
  }
}

async function within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      work,
      sleep(ms, undefined, { signal: timer.signal }).then(() => {
        throw new Error(what);
      }),
    ]);
  } finally {
    timer.abort();
  }
}
