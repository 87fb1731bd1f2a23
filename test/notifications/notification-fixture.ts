// A clinic that hears the marketplace: a desk with its HTTP API, and bodies as the marketplace would push them.
import { afterEach, beforeAll } from '@jest/globals';
import type { Account, Notifications } from '../../src/db/tables/accounts.js';
import { systemTimers } from '../../src/lib/timers.js';
import type { Client, Estate } from '../../src/sandbox/index.js';
import { deleteAllRows } from '../db/databases.js';
import { type Caller, serve } from '../server/served.js';
import { addressOf, ClinicFixture, type ClinicFixtureOptions } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';

export const API_KEY = 'key-of-the-marketplace';
export const PUSH = '/v1/accounts/many/notifications';

/** How long one push waits for another at most; it ends by itself, because nobody can say when it begins. */
const MAX_GAP_MS = 5;

class FixtureTimers extends ManualTimers {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return ms > MAX_GAP_MS ? super.sleep(ms, signal) : systemTimers.sleep(ms, signal);
  }
}

export interface NotificationFixture {
  readonly fixture: ClinicFixture;
  readonly call: Caller;
  /** What the engine repeats is done when the test advances them, and is awaited by that. */
  readonly timers: ManualTimers;
  /** Moves the clock of the engine and of the marketplace, also back; nothing is repeated for that. */
  skip(ms: number): void;
  /** Pushes a body: a string or bytes as they are, everything else as JSON. */
  push(body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>;
  items(): Promise<Awaited<ReturnType<ClinicFixture['engine']['notifications']>>['items']>;
  /** What is taken on the desk's date. */
  busy(calendar?: string): Promise<readonly unknown[]>;
}

/** How often an engine of {@link openNotificationFixture} looks for what is to be read, in milliseconds. */
export const SWEEP_MS = 300;
/** How often it looks for what is to be pulled or released. */
export const TASKS_MS = 1_000;

const engines: ClinicFixture['engine'][] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

export type NotificationFixtureOptions = Omit<ClinicFixtureOptions, 'now' | 'timers'>;

/** With a window from 10:00 to 12:00, and nobody who pushes but the test. */
export async function openNotificationFixture(
  options: NotificationFixtureOptions = {},
): Promise<NotificationFixture> {
  const notifications = { mode: 'push', apiKey: API_KEY } as const;
  const clinic = await createFixture({ notifications, ...options });
  engines.push(clinic.fixture.engine);
  for (const calendar of options.calendars ?? ['nowak']) await openWindow(clinic, calendar);
  return clinic;
}

export interface SharedOptions {
  readonly notifications?: Partial<Notifications>;
  readonly delivery?: Account['delivery'];
  readonly strategy?: ClinicFixtureOptions['strategy'];
  readonly clients?: readonly Client[];
  readonly estate?: Estate;
}

const CLIENTS = ['many', 'alone'].map((id) => ({ id, secret: 'secret' }));

/**
 * The same for the tests of a file that share an engine: whoever calls what is given finds an empty record and a marketplace
 * as if just made. A test that leaves requests without an answer, or errands under way, has to have an engine of its own.
 */
export function sharedNotificationFixture(
  options: NotificationFixtureOptions = {},
): (changes?: SharedOptions) => Promise<NotificationFixture> {
  let shared: { readonly clinic: NotificationFixture; readonly account: Account } | undefined;
  beforeAll(async () => {
    const clinic = await createFixture({ notifications: { mode: 'off', apiKey: API_KEY }, ...options });
    shared = { clinic, account: await clinic.fixture.account() };
  });
  return async ({ notifications, delivery, strategy = 'slots', clients = CLIENTS, estate } = {}) => {
    if (shared === undefined) throw new Error('it is opened before the first test');
    const { clinic, account } = shared;
    const { engine, sandbox } = clinic.fixture;
    sandbox.faults.clear();
    // What waits to be tried again waits by the clinic's clock.
    await eventually(async () => {
      const { pending } = await engine.status();
      if (pending > 0) clinic.skip(1_000);
      return pending === 0;
    });
    await eventually(() => sandbox.deliveries.every(({ endedAt }) => endedAt !== undefined));
    sandbox.reset();
    sandbox.setEstate(estate, clients);
    await deleteAllRows(engine.db);
    const hears = { ...account.notifications, mode: 'push', ...notifications } as const;
    for (const id of ['many', 'alone']) {
      await engine.putAccount({ ...account, id, clientId: id, notifications: hears, delivery });
    }
    for (const id of options.calendars ?? ['nowak']) {
      await engine.putCalendar({ id, account: 'many', ...addressOf(id), strategy });
      await openWindow(clinic, id);
    }
    return clinic;
  };
}

async function createFixture(options: NotificationFixtureOptions): Promise<NotificationFixture> {
  const timers = new FixtureTimers();
  let skipped = 0;
  const now = (): number => timers.now() + skipped;
  const fixture = await ClinicFixture.open({ timeoutMs: 60_000, lockMs: 60_000, ...options, now, timers });
  const call = await serve(fixture.engine);
  const push = async (body: unknown, headers: Record<string, string> = {}) => {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(`${call.url}${PUSH}`, {
      method: 'POST',
      headers: { 'x-api-key': API_KEY, 'content-type': 'application/json', ...headers },
      body: isRaw ? (body as string) : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    fixture,
    call,
    timers,
    skip: (ms) => {
      skipped += ms;
      fixture.sandbox.clock.advance(0);
    },
    push,
    items: async () => (await fixture.engine.notifications({ limit: 1_000 })).items,
    busy: async (calendar = 'nowak') =>
      (await fixture.engine.days(calendar, fixture.date, fixture.date))?.[0]?.busy ?? [],
  };
}

/** What the work resolves with; time passes for as long as it takes. */
export async function withTimePassing<T>({ timers }: NotificationFixture, work: Promise<T>): Promise<T> {
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  void work.then(end, end);
  await eventually(async () => {
    await timers.advance(100);
    return isOver;
  });
  return await work;
}

async function openWindow({ fixture }: NotificationFixture, calendar: string): Promise<void> {
  await fixture.open(calendar, fixture.date, { from: '10:00', to: '12:00' });
}

/** The three that every notification begins with. */
export function placeOf(calendar = 'nowak') {
  const { facilityId, doctorId, addressId } = addressOf(calendar);
  return {
    facility: { id: facilityId, name: 'Made-up clinic' },
    doctor: { id: doctorId, name: 'Ada', surname: 'Example' },
    address: { id: addressId, name: 'Made-up clinic', street: 'Long street 1' },
  };
}

export function visitBooking(fixture: ClinicFixture, id: string, time: string, more: object = {}) {
  const start = Date.parse(fixture.at(time));
  return {
    id,
    status: 'booked',
    start_at: fixture.at(time),
    end_at: fixture.at(new Date(start + 20 * 60_000 + offset(fixture, time)).toISOString().slice(11, 16)),
    duration: 20,
    booked_by: 'user',
    address_service: { id: 'visit', name: 'Visit' },
    patient: { name: 'Pat', surname: 'Example', email: 'pat@example.com', phone: '+48000000000' },
    ...more,
  };
}

/** Milliseconds from UTC to the wall clock. */
function offset(fixture: ClinicFixture, time: string): number {
  return Date.parse(`${fixture.date}T${time}:00Z`) - Date.parse(fixture.at(time));
}

export function toPushBody(
  name: string,
  data: object,
  calendar = 'nowak',
  createdAt = '2026-01-01T10:00:00+01:00',
) {
  return { name, data: { ...placeOf(calendar), ...data }, created_at: createdAt };
}
