/**
 * Applies a batch of events to the stored state in their order, and returns the new state and the dirty days. Pure: the calling
 * transaction loads the state before and saves it after.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Span, spanOf } from '../core/span.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { LockedCalendar } from '../db/tables/locked-calendars.js';
import type { Occupancy } from '../db/tables/occupancy.js';
import { isBefore, laterPosition, type QueuePosition } from '../db/tables/queue-position.js';
import type { DatedPosition } from '../db/tables/snapshots.js';
import type { WindowsOfDate } from '../db/tables/windows.js';
import { DirtyDays } from '../marketplace-state/dirty-days.js';
import type { ResolvedEvent } from './resolve-event.js';

/** An event with its queue position, where it comes from a queue. */
export type PositionedEvent = ResolvedEvent & { readonly position?: QueuePosition | undefined };

export interface Known {
  readonly calendars: ReadonlyMap<string, LockedCalendar>;
  readonly occupancies: readonly Occupancy[];
  readonly windows: readonly WindowsOfDate[];
  /** The queue positions of the events that last set the windows of dates. */
  readonly positions?: readonly DatedPosition[];
}

export interface AppliedState {
  /** For each event: `stale` where newer state is stored for its `ref` or for all of its dates, `ignored` where it has zero length. */
  readonly outcomes: readonly ('accepted' | 'stale' | 'ignored')[];
  readonly occupancies: readonly Occupancy[];
  readonly windows: readonly WindowsOfDate[];
  /** The dates whose windows were replaced, with the positions of the events. */
  readonly replaced: readonly DatedPosition[];
  readonly changedByWindows: readonly DirtyDay[];
  readonly changedByOccupancy: readonly DirtyDay[];
}

const key = (calendar: string, part: string): string => `${part}\u0000${calendar}`;

export function applyToState(events: readonly PositionedEvent[], known: Known, now: number): AppliedState {
  const occupancies = new Map(known.occupancies.map((one) => [key(one.calendar, one.ref), one]));
  const windows = new Map(known.windows.map((one) => [key(one.calendar, one.date), one]));
  const positions = new Map(known.positions?.map((one) => [key(one.calendar, one.date), one.position]));
  const replaced = new Map<string, DatedPosition>();
  const writtenOccupancies = new Map<string, Occupancy>();
  const writtenWindows = new Map<string, WindowsOfDate>();
  const byWindows = new DirtyDays(now);
  const byOccupancy = new DirtyDays(now);

  const outcomes = events.map((event) => {
    if (event.type === 'available') {
      let isStale = event.dates.size > 0;
      for (const [date, after] of event.dates) {
        const at = key(event.calendar, date);
        if (isBefore(event.position, positions.get(at))) continue;
        isStale = false;
        const position = laterPosition(event.position, positions.get(at));
        positions.set(at, position);
        replaced.set(at, { calendar: event.calendar, date, position });
        const before = windows.get(at)?.windows ?? [];
        const written = { calendar: event.calendar, date, windows: after };
        // A date without windows may be new: then even an empty list is a change, because what the marketplace shows on the
        // date is unknown.
        if (before.length === 0 || !isDeepStrictEqual(before, after)) {
          byWindows.addChange(event.calendar, date, before.map(spanOf), after.map(spanOf));
        }
        windows.set(at, written);
        writtenWindows.set(at, written);
      }
      return isStale ? 'stale' : 'accepted';
    }
    if (event.type === 'ignored') return 'ignored';

    const at = key(event.calendar, event.ref);
    const before = occupancies.get(at);
    if (before !== undefined && isOlder(event, before)) return 'stale';
    const after: Occupancy = {
      calendar: event.calendar,
      ref: event.ref,
      interval:
        event.type === 'occupied'
          ? { start: new Date(event.interval.start), end: new Date(event.interval.end) }
          : undefined,
      kind: event.type === 'occupied' ? event.kind : (before?.kind ?? 'booking'),
      service: event.type === 'occupied' ? event.service : before?.service,
      version: event.version ?? before?.version,
      position: laterPosition(event.position, before?.position),
    };
    occupancies.set(at, after);
    writtenOccupancies.set(at, after);

    const calendar = known.calendars.get(event.calendar);
    if (calendar !== undefined) byOccupancy.addMove(calendar, busySpanOf(before), busySpanOf(after));
    return 'accepted';
  });

  return {
    outcomes,
    occupancies: [...writtenOccupancies.values()],
    windows: [...writtenWindows.values()],
    replaced: [...replaced.values()],
    changedByWindows: byWindows.list(),
    changedByOccupancy: byOccupancy.list(),
  };
}

/** Compares versions, and queue positions where the versions do not decide. */
function isOlder(
  event: Extract<PositionedEvent, { type: 'occupied' | 'released' }>,
  known: Occupancy,
): boolean {
  if (event.version !== undefined && known.version !== undefined && event.version !== known.version) {
    return event.version < known.version;
  }
  return isBefore(event.position, known.position);
}

const busySpanOf = (occupancy: Occupancy | undefined): Span | undefined =>
  occupancy?.interval && spanOf(occupancy.interval);
