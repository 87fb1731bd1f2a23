// The truth of a chaos run: a small model of what the clinics said and what was acknowledged, which knows nothing of
// the engine but the core's arithmetic. An occupancy is what its highest version says; the windows of a date are what
// the last `available` said.
import { computeSlotConfigs, type Slot } from '../../src/core/index.js';
import type { OccupancyEventInput } from '../../src/intake/vocabulary.js';
import type { World, WorldCalendar } from './world.js';

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

export type Occupied = Extract<OccupancyEventInput, { type: 'occupied' }> & { readonly version: number };
export type Released = Extract<OccupancyEventInput, { type: 'released' }> & { readonly version: number };
/** Events of refs always carry their version here. */
export type ClinicEvent = Available | Occupied | Released;

export type Road = 'http' | 'queue';

/** Half-open, epoch milliseconds. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Said {
  readonly version: number;
  /** Absent when it was released. */
  readonly span: Span | undefined;
  /** When it was first on its way: from then on the engine may know it. Epoch milliseconds. */
  readonly sentAt: number;
  /** When the HTTP API said 202: from then on the engine does know it. */
  committedAt: number | undefined;
  acknowledged: boolean;
}

interface CalendarTruth {
  readonly windows: Map<string, readonly ClinicWindow[]>;
  /** By ref, and there by version. */
  readonly refs: Map<string, Map<number, Said>>;
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
        { calendar, truth: { windows: new Map(), refs: new Map() } },
      ]),
    );
  }

  /** The first copy of an event leaves. Of `available` events of a calendar one is on its way at a time. */
  sent(event: ClinicEvent, at: number): void {
    if (event.type === 'available') return;
    const { refs } = this.#of(event.calendar).truth;
    const versions = refs.get(event.ref) ?? new Map<number, Said>();
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

  /** The slot configuration of every date from the calendar's first to its last, once everything is acknowledged. */
  wanted(id: string): ReadonlyMap<string, readonly Slot[]> {
    const { calendar, truth } = this.#of(id);
    const busy = [...truth.refs.values()].flatMap((versions) => {
      const last = [...versions.values()].reduce((a, b) => (b.version > a.version ? b : a));
      return last.span === undefined ? [] : [last.span];
    });
    const { bufferBefore, bufferAfter, grid, dates } = calendar;
    const days = computeSlotConfigs({
      timeZone: calendar.account.timeZone,
      windows: dates.flatMap((date) => truth.windows.get(date) ?? []),
      busy,
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
