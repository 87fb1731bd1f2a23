// Sees every request that reaches the marketplace, and says at once which of them must never have been sent.
import { addDays, type Day, startOfDate } from '../../src/core/index.js';
import type { RequestRecord, Sandbox } from '../../src/sandbox/index.js';
import type { Model, Span } from './model.js';
import type { World, WorldCalendar } from './world.js';

export interface InvariantCheckerOptions {
  readonly sandbox: Sandbox;
  readonly world: World;
  readonly model: Model;
  /** A request leaves so long after it was computed at most, in milliseconds: what is known since then must be in it. */
  readonly computedWithinMs: number;
  readonly onWrong: (what: string) => void;
}

const MINUTE_MS = 60_000;
const TURN_MS = 20;
/** A machine that is busy with other things can keep this process from its work for longer than a request waits. */
const STALL_MS = 100;
const AFTER_MS = 500;

export class InvariantChecker {
  readonly #options: InvariantCheckerOptions;
  readonly #calendars: ReadonlyMap<string, WorldCalendar>;
  readonly #see = (record: RequestRecord): void => this.#look(record);
  #requests = 0;
  #writes = 0;
  #faults = 0;
  #hidings = 0;
  #placeholders = 0;
  #oldestMs = 0;
  #unjudged = 0;
  readonly #seen = new Map<string, Map<string, Span>>();
  /** Calendars that people did something in themselves. */
  readonly #acts = new Set<string>();
  /** Calendars whose services changed. */
  readonly #changed = new Set<string>();
  readonly #stalls: { readonly from: number; readonly to: number }[] = [];
  #turn = Date.now();
  readonly #clock = setInterval(() => this.#tick(), TURN_MS);

  constructor(options: InvariantCheckerOptions) {
    this.#options = options;
    this.#calendars = new Map(
      options.world.calendars.map((calendar) => [calendar.addressId, calendar] as const),
    );
    options.sandbox.on('request', this.#see);
  }

  get counts() {
    return {
      requests: this.#requests,
      writes: this.#writes,
      faults: this.#faults,
      hidings: this.#hidings,
      placeholders: this.#placeholders,
      /** How long before a write that still offered it a taken time was known, at most, in milliseconds. */
      oldestMs: this.#oldestMs,
      /** Overlaps that this process saw right after it was kept from its work: it may have missed who left. */
      unjudged: this.#unjudged,
    };
  }

  close(): void {
    clearInterval(this.#clock);
    this.#options.sandbox.off('request', this.#see);
  }

  #look(record: RequestRecord): void {
    const { onWrong } = this.#options;
    const name = `request ${record.n} (${record.operation} of ${record.address?.addressId ?? 'nobody'})`;
    this.#requests += 1;
    if (record.fault !== undefined) this.#faults += 1;
    // I6. The sandbox's own limiter counts as the account says; only what was asked for is a fault.
    if (record.status === 429 && !record.fault?.includes('too-many')) {
      const { client, receivedAt } = record;
      const counted = this.#options.sandbox.requests.filter(
        (one) => one.client === client && one.method !== 'GET' && one.receivedAt > receivedAt - MINUTE_MS,
      );
      onWrong(
        `${name} was one too many: the budget of ${client} was overspent; it wrote at ${counted.map(times).join('; ')}`,
      );
    }
    if (record.method === 'GET' || record.operation === 'token') return;
    this.#writes += 1;
    // I2.
    if (record.overlaps.length > 0 && this.#isAfterStall(record.receivedAt)) this.#unjudged += 1;
    else if (record.overlaps.length > 0) {
      const earlier = this.#options.sandbox.requests.filter(({ n }) => record.overlaps.includes(n));
      onWrong(`${name} was sent while another was unanswered: ${[...earlier, record].map(times).join('; ')}`);
    }
    // Contract: Duplicates.
    if (record.ignored) onWrong(`${name} repeated a payload within three minutes and was ignored`);
    if (record.status === 400 && !record.fault?.includes('status-400') && !this.#wasNotToBeKnown(record)) {
      onWrong(`${name} was invalid: ${JSON.stringify(record.body).slice(0, 500)}`);
    }
    if (HIDING.has(record.operation)) this.#hidings += 1;
    if (record.operation === 'bookSlot' && record.applied) this.#placeholders += 1;
    if (record.operation === 'replaceSlots') this.#checkNothingTaken(record, name);
    if (record.applied) this.#checkNothingCame(record, name);
  }

  /** What somebody in the marketplace does himself: what comes into sight by it is not brought there by us. */
  around(calendar: WorldCalendar, act: () => void): void {
    const before = this.#inSight(calendar);
    act();
    const after = this.#inSight(calendar);
    this.#acts.add(calendar.id);
    const seen = this.#seen.get(calendar.id);
    if (seen === undefined) return;
    for (const key of before.keys()) if (!after.has(key)) seen.delete(key);
    for (const [key, visit] of after) if (!before.has(key)) seen.set(key, visit);
  }

  /** The same, of a change of the address's services: what was computed before names those that are gone. */
  aroundServices(calendar: WorldCalendar, act: () => void): void {
    this.around(calendar, act);
    this.#changed.add(calendar.id);
  }

  /**
   * A placeholder that moves to a start which a patient has since booked is answered 400, and so is a service that is gone.
   * Contract: moveBooking, replaceSlots.
   */
  #wasNotToBeKnown({ operation, address }: RequestRecord): boolean {
    const { id = '' } = this.#calendars.get(address?.addressId ?? '') ?? {};
    return (operation === 'moveBooking' && this.#acts.has(id)) || this.#changed.has(id);
  }

  #tick(): void {
    const now = Date.now();
    if (now - this.#turn > STALL_MS) this.#stalls.push({ from: this.#turn, to: now });
    this.#turn = now;
  }

  #isAfterStall(at: number): boolean {
    return this.#stalls.some(({ from, to }) => from < at && at <= to + AFTER_MS);
  }

  /**
   * When a request that came at this time was computed, at the earliest. Time in which this process was kept from its work
   * does not count: what it judges was kept waiting for it as well.
   */
  #computedSince(at: number): number {
    let since = at - this.#options.computedWithinMs;
    const now = Date.now();
    const stalls =
      now - this.#turn > STALL_MS ? [...this.#stalls, { from: this.#turn, to: now }] : this.#stalls;
    for (const { from, to } of stalls.toReversed()) {
      if (from < at && to > since) since -= Math.min(to, at) - from;
    }
    return since;
  }

  /**
   * I4, with every strategy and from each to each: no request brings taken time into a patient's sight that was not in it
   * before, however much of it slots may offer that breaks and placeholders hide.
   */
  #checkNothingCame(record: RequestRecord, name: string): void {
    const { model, onWrong } = this.#options;
    const calendar = this.#calendars.get(record.address?.addressId ?? '');
    if (calendar === undefined) return;
    const before = this.#seen.get(calendar.id) ?? new Map<string, Span>();
    const after = this.#inSight(calendar);
    this.#seen.set(calendar.id, after);
    const came = [...after].filter(([key]) => !before.has(key));
    if (came.length === 0) return;
    const computedSince = this.#computedSince(record.receivedAt);
    for (const taken of model.knownTaken(calendar.id, record.receivedAt)) {
      const knownForMs = record.receivedAt - taken.since;
      if (taken.since >= computedSince) continue;
      const seen = came.find(([, visit]) => visit.start < taken.end && visit.end > taken.start);
      if (seen === undefined) continue;
      onWrong(
        `${name} brought ${seen[0]} on sale, in the time of ${taken.ref}, known to be taken for ${knownForMs} ms`,
      );
    }
  }

  /** Every visit that a patient could book, by its start and service. */
  #inSight({ facilityId, doctorId, addressId, account, dates, services }: WorldCalendar): Map<string, Span> {
    const ref = { facilityId, doctorId, addressId };
    const visits = new Map<string, Span>();
    for (const date of dates) {
      const [from, to] = [
        startOfDate(date, account.timeZone),
        startOfDate(addDays(date, 1), account.timeZone),
      ];
      for (const { start, services: ids } of this.#options.sandbox.patientView(ref, from, to)) {
        for (const id of ids) {
          const at = Date.parse(start);
          const minutes = services.find((service) => service.id === id)?.duration ?? 0;
          visits.set(`${start} ${id}`, { start: at, end: at + minutes * 60_000 });
        }
      }
    }
    return visits;
  }

  /**
   * I4, with `slots`. What was computed before an event was committed may arrive after it; so only what was known for
   * longer than the way from the record to the marketplace takes is held against a write.
   */
  #checkNothingTaken(record: RequestRecord, name: string): void {
    const { model, onWrong } = this.#options;
    const calendar = this.#calendars.get(record.address?.addressId ?? '');
    if (calendar === undefined) return;
    const computedSince = this.#computedSince(record.receivedAt);
    if (model.strategySince(calendar.id, computedSince) !== 'slots') return;
    const offered = entriesOf(record.body);
    for (const taken of model.knownTaken(calendar.id, record.receivedAt)) {
      if (!offered.some((entry) => entry.start < taken.end && entry.end > taken.start)) continue;
      const knownForMs = record.receivedAt - taken.since;
      this.#oldestMs = Math.max(this.#oldestMs, knownForMs);
      if (taken.since < computedSince) {
        onWrong(`${name} offered the time of ${taken.ref}, which was known to be taken for ${knownForMs} ms`);
      }
    }
  }
}

/** Everything that changes breaks or placeholders. */
const HIDING = new Set([
  'addCalendarBreak',
  'moveCalendarBreak',
  'deleteCalendarBreak',
  'bookSlot',
  'moveBooking',
  'cancelBooking',
]);

const times = ({ n, operation, receivedAt, answeredAt, status, fault }: RequestRecord): string =>
  [
    n,
    operation,
    new Date(receivedAt).toISOString(),
    `${(answeredAt ?? Date.now()) - receivedAt} ms`,
    status,
    fault,
  ].join(' ');

/** What is put on sale: an entry without services takes away. */
function entriesOf(body: unknown): readonly { readonly start: number; readonly end: number }[] {
  const { slots } = body as Pick<Day, 'slots'>;
  return slots
    .filter(({ address_services: services }) => services.length > 0)
    .map(({ start, end }) => ({ start: Date.parse(start), end: Date.parse(end) }));
}
