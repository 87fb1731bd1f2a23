// The truth of a chaos run: a small model of what the clinics said and what was acknowledged, which knows nothing of
// the engine but the core's arithmetic. An occupancy is what its highest version says; the windows of a date are what
// the last `available` said.

import type { OccupancyEventInput } from '../../src/clinic/event-schema.js';
import { computeSlotConfigs, type Slot } from '../../src/core/index.js';
import type { Strategy } from '../../src/db/schema.js';
import type { World, WorldCalendar } from './world.js';

const MINUTE = 60_000;

/** Wall-clock times of one date, and of the next where it ends at midnight. */
export interface ClinicWindow {
  readonly start: string;
  readonly end: string;
  readonly services: { id: string; duration: number }[];
  readonly insurance?: { accepted: 'with-insurance-only'; providers: string[] };
}

export interface Available {
  readonly id: string;
  readonly type: 'available';
  readonly calendar: string;
  readonly from: string;
  readonly to: string;
  readonly windows: ClinicWindow[];
}

interface Known {
  readonly id: string;
  readonly ref: string;
  readonly version: number;
}
export type Occupied = Extract<OccupancyEventInput, { type: 'occupied' }> & Known;
export type Released = Extract<OccupancyEventInput, { type: 'released' }> & Known;
/** Events of refs always carry their version here. */
export type ClinicEvent = Available | Occupied | Released;

export type Road = 'http' | 'queue';

/** Half-open, epoch milliseconds. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Reported {
  readonly version: number;
  /** Absent when it was released. */
  readonly span: Span | undefined;
  /** When it was first on its way: from then on the engine may know it. Epoch milliseconds. */
  readonly sentAt: number;
  /** When the HTTP API said 202: from then on the engine does know it. */
  committedAt: number | undefined;
  acknowledged: boolean;
}

interface ReportedStrategy {
  readonly strategy: Strategy;
  readonly sentAt: number;
  acknowledgedAt: number | undefined;
}

interface CalendarTruth {
  /** What patients and doctors took in the marketplace. */
  others: readonly Span[];
  readonly strategies: ReportedStrategy[];
  readonly windows: Map<string, readonly ClinicWindow[]>;
  /** By ref, and there by version. */
  readonly refs: Map<string, Map<number, Reported>>;
}

export class Model {
  readonly #calendars: ReadonlyMap<
    string,
    { readonly calendar: WorldCalendar; readonly truth: CalendarTruth }
  >;

  constructor(world: World) {
    this.#calendars = new Map(
      world.calendars.map((calendar) => [
        calendar.id,
        { calendar, truth: { others: [], strategies: [], windows: new Map(), refs: new Map() } },
      ]),
    );
  }

  /** The first copy of an event leaves. Of `available` events of a calendar one is on its way at a time. */
  sent(event: ClinicEvent, at: number): void {
    if (event.type === 'available') return;
    const { refs } = this.#of(event.calendar).truth;
    const versions = refs.get(event.ref) ?? new Map<number, Reported>();
    refs.set(event.ref, versions);
    if (versions.has(event.version)) return;
    const span =
      event.type === 'occupied'
        ? { start: Date.parse(String(event.start)), end: Date.parse(String(event.end)) }
        : undefined;
    versions.set(event.version, {
      version: event.version,
      span,
      sentAt: at,
      committedAt: undefined,
      acknowledged: false,
    });
  }

  /** It was taken in (HTTP), or is safely on the queue. */
  acknowledged(event: ClinicEvent, road: Road, at: number): void {
    const { truth } = this.#of(event.calendar);
    if (event.type === 'available') {
      for (const date of datesFrom(event.from, event.to)) {
        truth.windows.set(
          date,
          event.windows.filter((window) => window.start.startsWith(date)),
        );
      }
      return;
    }
    const said = truth.refs.get(event.ref)?.get(event.version);
    if (said === undefined) throw new Error(`${event.id} was acknowledged and never sent`);
    said.acknowledged = true;
    if (road === 'http') said.committedAt ??= at;
  }

  /** What was sent and not acknowledged; nothing, once the clinics are done. */
  get open(): number {
    const all = [...this.#calendars.values()].flatMap(({ truth }) => [...truth.refs.values()]);
    return all.flatMap((versions) => [...versions.values()]).filter((said) => !said.acknowledged).length;
  }

  /** A change of strategy leaves. @returns what to call when it is acknowledged */
  strategySent(id: string, strategy: Strategy, at: number): (acknowledgedAt: number) => void {
    const said: ReportedStrategy = { strategy, sentAt: at, acknowledgedAt: undefined };
    this.#of(id).truth.strategies.push(said);
    return (acknowledgedAt) => {
      said.acknowledgedAt = acknowledgedAt;
    };
  }

  /** The one that was acknowledged last. */
  strategyOf(id: string): Strategy | undefined {
    return this.#of(id).truth.strategies.findLast(({ acknowledgedAt }) => acknowledgedAt !== undefined)
      ?.strategy;
  }

  /** The one that has been in force for so long, with no other on its way; undefined where that is not certain. */
  strategySince(id: string, at: number): Strategy | undefined {
    const last = this.#of(id).truth.strategies.findLast(({ sentAt }) => sentAt <= at);
    const isSettled = last?.acknowledgedAt !== undefined && last.acknowledgedAt <= at;
    const isLast = last !== undefined && this.#of(id).truth.strategies.at(-1) === last;
    return isSettled && isLast ? last.strategy : undefined;
  }

  /** What patients and doctors have taken in the marketplace, when they are done. */
  tookOthers(id: string, spans: readonly Span[]): void {
    this.#of(id).truth.others = spans;
  }

  /** What is taken by each ref, once everything is acknowledged. */
  taken(id: string): ReadonlyMap<string, Span> {
    const { truth } = this.#of(id);
    return new Map(
      [...truth.refs].flatMap(([ref, versions]) => {
        const last = [...versions.values()].reduce((a, b) => (b.version > a.version ? b : a));
        return last.span === undefined ? [] : [[ref, last.span] as const];
      }),
    );
  }

  /** What each ref needs to be hidden: the same, with the buffers. */
  needs(id: string): ReadonlyMap<string, Span> {
    return new Map([...this.taken(id)].map(([ref, span]) => [ref, this.#widened(id, span)]));
  }

  /** What we have to hide: of what others took, which the marketplace hides by itself, only the buffers. */
  hidden(id: string): readonly Span[] {
    const buffers = this.#of(id).truth.others.flatMap((span) => {
      const { start, end } = this.#widened(id, span);
      return [
        { start, end: span.start },
        { start: span.end, end },
      ];
    });
    return [...this.needs(id).values(), ...buffers.filter(({ start, end }) => start < end)];
  }

  /** What no visit may touch, whoever took it. */
  unbookable(id: string): readonly Span[] {
    const others = this.#of(id).truth.others.map((span) => this.#widened(id, span));
    return [...this.needs(id).values(), ...others];
  }

  #widened(id: string, { start, end }: Span): Span {
    const { bufferBefore, bufferAfter } = this.#of(id).calendar;
    return { start: start - bufferBefore * MINUTE, end: end + bufferAfter * MINUTE };
  }

  /**
   * The slot configuration of every date from the calendar's first to its last, once everything is acknowledged: with
   * `slots` without what is taken, else all that is available.
   */
  wanted(id: string): ReadonlyMap<string, readonly Slot[]> {
    const { calendar, truth } = this.#of(id);
    const { bufferBefore, bufferAfter, grid, dates } = calendar;
    const days = computeSlotConfigs({
      timeZone: calendar.account.timeZone,
      windows: dates.flatMap((date) => truth.windows.get(date) ?? []),
      busy: this.strategyOf(id) === 'slots' ? [...this.taken(id).values(), ...truth.others] : [],
      from: dates[0],
      to: dates.at(-1),
      bufferBefore,
      bufferAfter,
      ...(grid === undefined ? {} : { grid }),
    });
    return new Map(days.map(({ date, slots }) => [date, slots]));
  }

  /**
   * Time that the engine knew to be taken at an instant, each with the instant since when it knew: its ref's highest
   * version that had left by then says so, and was answered 202. A higher version that was on its way may have been
   * known as well, so nothing is said of its ref.
   */
  knownTaken(id: string, at: number): readonly (Span & { readonly since: number; readonly ref: string })[] {
    return [...this.#of(id).truth.refs].flatMap(([ref, versions]) => {
      const left = [...versions.values()].filter((said) => said.sentAt <= at);
      const last = left.length === 0 ? undefined : left.reduce((a, b) => (b.version > a.version ? b : a));
      if (last?.span === undefined || last.committedAt === undefined || last.committedAt > at) return [];
      return [{ ...last.span, since: last.committedAt, ref }];
    });
  }

  #of(id: string): { readonly calendar: WorldCalendar; readonly truth: CalendarTruth } {
    const known = this.#calendars.get(id);
    if (known === undefined) throw new Error(`there is no calendar ${id}`);
    return known;
  }
}

/** Dates are few and in this century: a UTC day is as good as any. */
export function datesFrom(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += 86_400_000) {
    dates.push(new Date(at).toISOString().slice(0, 10));
  }
  return dates;
}
