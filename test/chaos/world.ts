// The clinics of a chaos run, drawn from its seed: accounts, one of them with a scarce budget, calendars of every kind,
// and the dates that things happen on. The engine's configuration and the sandbox's estate are two views of it. Calendars
// reach the engine over HTTP, because a process that starts would have them again as its file says.
import { addDays, localDate } from '../../src/core/index.js';
import type { Strategy } from '../../src/db/schema.js';
import type { Client, Estate } from '../../src/sandbox/index.js';
import { SeededRandom } from './seeded-random.js';

export const STRATEGIES = ['slots', 'breaks', 'book'] as const;

export interface WorldAccount {
  readonly id: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly timeZone: string;
  /** How it hears of what happens in the marketplace; where it does not, nobody but the clinic does anything there. */
  readonly hears: 'push' | 'pull' | 'both' | 'off';
  /** The engine's and the sandbox's alike. */
  readonly limits: {
    readonly writesPerMinute: number;
    readonly writesPerHour: number;
    readonly requestsPerHour: number;
  };
}

export interface WorldCalendar {
  readonly id: string;
  readonly account: WorldAccount;
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
  readonly bufferBefore: number;
  readonly bufferAfter: number;
  readonly grid: number | undefined;
  /** Local dates, in order, none of them today. */
  readonly dates: readonly [string, ...string[]];
  /** Open from midnight to midnight: a day that has hardly another spelling. */
  readonly roundTheClock: boolean;
  /** Nothing happens but that one thing is taken and freed again: what was published a moment ago is wanted again. */
  readonly wavers: boolean;
  readonly services: { readonly id: string; readonly duration: number }[];
  /** The first one. */
  readonly strategy: Strategy;
  /** How its address cuts a period of services of different durations. */
  readonly cutting: 'duration' | 'divisor';
  /** Where the budget is scarce it never does: `slots` needs the fewest writes. */
  readonly changesStrategy: boolean;
}

export interface World {
  readonly accounts: readonly WorldAccount[];
  readonly calendars: readonly WorldCalendar[];
}

const roomy = { writesPerMinute: 3_000, writesPerHour: 100_000, requestsPerHour: 400_000 };
const scarce = { writesPerMinute: 15, writesPerHour: 2_400, requestsPerHour: 20_000 };

const account = (
  id: string,
  timeZone: string,
  hears: WorldAccount['hears'],
  limits: WorldAccount['limits'],
): WorldAccount => ({
  id,
  clientId: `client-of-${id}`,
  clientSecret: `secret-of-${id}`,
  timeZone,
  hears,
  limits,
});

/**
 * @param now epoch milliseconds
 * @param hasScarce whether one account has a budget that is spent at once, so that rest takes a minute
 * @param onlyPulls whether one account only pulls: what is lost with a process that has just pulled takes a minute to find
 */
export function drawWorld(seed: number, now: number, hasScarce: boolean, onlyPulls: boolean): World {
  const rng = new SeededRandom(seed, 0);
  const accounts = [
    ...(hasScarce ? [account('scarce', 'Europe/Warsaw', 'off', scarce)] : []),
    account('warsaw', 'Europe/Warsaw', onlyPulls ? 'pull' : 'both', roomy),
    account('saopaulo', 'America/Sao_Paulo', 'push', roomy),
  ];
  const calendars = accounts.flatMap((owner) =>
    Array.from({ length: owner.id === 'scarce' ? 3 : 4 }, (_, n) => drawCalendar(rng, owner, n, now)),
  );
  return { accounts, calendars };
}

function drawCalendar(rng: SeededRandom, owner: WorldAccount, n: number, now: number): WorldCalendar {
  const first = addDays(localDate(now, owner.timeZone), rng.int(2, 70));
  // Some of them next to each other, so that an appointment can reach over midnight.
  const isScarce = owner.id === 'scarce';
  const [a, b, c] = [rng.int(1, 2), rng.int(3, 4), rng.int(5, 8)];
  return {
    id: `${owner.id}-${n}`,
    account: owner,
    facilityId: `facility-${owner.id}`,
    doctorId: `doctor-${n}`,
    addressId: `address-${owner.id}-${n}`,
    bufferBefore: rng.pick([0, 0, 5]),
    bufferAfter: rng.pick([0, 0, 5, 10]),
    grid: rng.pick([undefined, undefined, 15]),
    dates: [first, addDays(first, a), addDays(first, b), addDays(first, c)],
    roundTheClock: n === 1 || n === 3,
    wavers: n >= 2,
    services: [
      { id: 'first-visit', duration: rng.pick([20, 30, 45]) },
      { id: 'check-up', duration: rng.pick([10, 15]) },
    ],
    strategy: isScarce ? 'slots' : (STRATEGIES[(n + (owner.id === 'warsaw' ? 1 : 2)) % 3] ?? 'slots'),
    changesStrategy: !isScarce && n !== 0,
    cutting: rng.pick(['duration', 'divisor'] as const),
  };
}

/** What PUT /v1/calendars/{id} is sent. */
export function calendarBody(calendar: WorldCalendar, strategy: Strategy) {
  const { account: owner, facilityId, doctorId, addressId, bufferBefore, bufferAfter, grid } = calendar;
  const where = { account: owner.id, facilityId, doctorId, addressId };
  return { ...where, strategy, bufferBefore, bufferAfter, ...(grid === undefined ? {} : { grid }) };
}

/** Longer than any process or server is away. */
const PUSHED_AGAIN = Array.from({ length: 200 }, () => 0.02);

const pushKey = ({ id }: WorldAccount): string => `push-key-of-${id}`;

/** What the sandbox is made of. @param apiUrl the engine's */
export function estateOf(
  { accounts, calendars }: World,
  apiUrl: string,
): { estate: Estate; clients: Client[] } {
  const facilities = accounts.map(({ id: owner, timeZone }) => ({
    id: `facility-${owner}`,
    doctors: calendars
      .filter((calendar) => calendar.account.id === owner)
      .map(({ doctorId, addressId, services, cutting }) => ({
        id: doctorId,
        addresses: [{ id: addressId, timeZone, cutting, services: services.map(({ id }) => ({ id })) }],
      })),
  }));
  const clients = accounts.map((one): Client => {
    const { id, clientId, clientSecret, limits, hears } = one;
    const client = { id: clientId, secret: clientSecret, facilities: [`facility-${id}`], limits };
    if (hears === 'pull' || hears === 'off') return client;
    const url = `${apiUrl}/v1/accounts/${id}/notifications`;
    const push = { url, apiKey: pushKey(one), retryMinutes: PUSHED_AGAIN, timeoutMs: 30_000 };
    return { ...client, notifications: hears, push };
  });
  return { estate: { facilities }, clients };
}

/** What slotkeeper.yaml says; JSON is YAML. Everything that recovers does so quickly. */
export function configOf({ accounts }: World, baseUrl: string, timeoutMs: number) {
  return {
    accounts: accounts.map(({ hears, ...one }) => ({
      ...one,
      baseUrl,
      notifications: {
        mode: hears,
        pullEverySeconds: 1,
        sweepMinutes: 1,
        ...(hears === 'push' || hears === 'both' ? { apiKey: pushKey({ hears, ...one }) } : {}),
      },
    })),
    publish: { timeoutMs, lockMs: 2_000, sweepSeconds: 1, debounceMs: 50 },
  };
}
