/**
 * A Monday morning on a virtual clock: how long time that is taken stays on sale, for three ways of spending the
 * same budget. The third is ours, with the engine's own urgency and its own windows of the budget.
 */
import { aged, priority } from 'slotkeeper';
import { windowsFor } from '../../dist/rate-limit/policy.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface Monday {
  readonly calendars: number;
  readonly bookings: number;
  readonly cancellations: number;
  readonly seed: number;
}

export interface Exposure {
  readonly way: string;
  readonly writes: number;
  /** Minutes that taken time stayed on sale, all bookings together. */
  readonly sumMinutes: number;
  readonly p50Minutes: number;
  readonly p99Minutes: number;
}

interface Event {
  readonly at: number;
  readonly calendar: number;
  readonly closes: boolean;
  readonly priority: number;
}

interface Waiting {
  readonly events: Event[];
  readonly since: number;
  priority: number;
}

/** Small, fast and the same everywhere: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function morning({ calendars, bookings, cancellations, seed }: Monday): Event[] {
  const random = seeded(seed);
  const event = (closes: boolean): Event => {
    const at = random() * HOUR;
    // Most appointments are made for soon: exponential, a week on average, inside the horizon.
    const start = at + Math.min(83 * DAY, -Math.log(1 - random()) * 7 * DAY);
    const spans = [{ start, end: start + 20 * MINUTE }];
    const change = closes ? { closed: spans, opened: [] } : { closed: [], opened: spans };
    return {
      at,
      calendar: Math.floor(random() * calendars),
      closes,
      priority: priority({ ...change, now: at }),
    };
  };
  return [
    ...Array.from({ length: bookings }, () => event(true)),
    ...Array.from({ length: cancellations }, () => event(false)),
  ].sort((a, b) => a.at - b.at);
}

interface Way {
  readonly name: string;
  /** What waits together and is written together. */
  readonly keyOf: (event: Event, index: number) => string;
  /** Who goes first. */
  readonly before: (a: Waiting, b: Waiting, now: number) => number;
  /** Whether a part of the budget is kept for what closes. */
  readonly keepsForClosing: boolean;
}

const ways: readonly Way[] = [
  {
    name: 'one PUT an event, in order of arrival',
    keyOf: (_, index) => String(index),
    before: (a, b) => a.since - b.since,
    keepsForClosing: false,
  },
  {
    name: 'one PUT a calendar, in order of arrival',
    keyOf: (event) => String(event.calendar),
    before: (a, b) => a.since - b.since,
    keepsForClosing: false,
  },
  {
    name: 'ours: one PUT a calendar, by priority',
    keyOf: (event) => String(event.calendar),
    before: (a, b, now) =>
      aged(a.priority, now - a.since) - aged(b.priority, now - b.since) || a.since - b.since,
    keepsForClosing: true,
  },
];

const LIMITS = { writesPerMinute: 40, writesPerHour: 2_400, requestsPerHour: 8_000 };

export function simulate(monday: Monday): Exposure[] {
  const events = morning(monday);
  return ways.map((way) => live(way, events));
}

/** The morning in steps of a tenth of a second, until everything is written. */
function live(way: Way, events: readonly Event[]): Exposure {
  const waiting = new Map<string, Waiting>();
  const sent: number[] = [];
  const exposed: number[] = [];
  let next = 0;
  for (let now = 0; next < events.length || waiting.size > 0; now += 100) {
    for (let event = events[next]; event !== undefined && event.at <= now; event = events[++next]) {
      const key = way.keyOf(event, next);
      const known = waiting.get(key);
      if (known === undefined) {
        waiting.set(key, { events: [event], since: event.at, priority: event.priority });
      } else {
        known.events.push(event);
        known.priority = Math.min(known.priority, event.priority);
      }
    }
    for (;;) {
      const first = firstOf(waiting, way, now);
      if (first === undefined || !fits(sent, way.keepsForClosing ? first[1].priority : 1, now)) break;
      waiting.delete(first[0]);
      sent.push(now);
      for (const event of first[1].events) if (event.closes) exposed.push((now - event.at) / MINUTE);
    }
  }
  exposed.sort((a, b) => a - b);
  const at = (share: number): number => exposed[Math.floor((exposed.length - 1) * share)] ?? 0;
  return {
    way: way.name,
    writes: sent.length,
    sumMinutes: exposed.reduce((sum, one) => sum + one, 0),
    p50Minutes: at(0.5),
    p99Minutes: at(0.99),
  };
}

function firstOf(
  waiting: ReadonlyMap<string, Waiting>,
  way: Way,
  now: number,
): [string, Waiting] | undefined {
  let first: [string, Waiting] | undefined;
  for (const entry of waiting)
    if (first === undefined || way.before(entry[1], first[1], now) < 0) first = entry;
  return first;
}

/** The engine's own rule, on the times that were sent. */
function fits(sent: readonly number[], urgencyOfWrite: number, now: number): boolean {
  return windowsFor(LIMITS, { write: true, priority: urgencyOfWrite }).every(({ limit, perMs }) => {
    const blocking = sent[sent.length - limit];
    return blocking === undefined || blocking <= now - perMs;
  });
}
