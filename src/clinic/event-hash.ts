/** What an event says, as a hash, by which one that comes again under the same id with something else is told apart. */
import { hash } from 'node:crypto';
import type { ResolvedEvent } from './resolve-event.js';
import { canonicalWindows } from './snapshots/window-coverage.js';

/** Equal for events that mean the same, however they are written. */
export function hashContent(event: ResolvedEvent): string {
  return hash('sha256', JSON.stringify(containerOf(event)), 'base64url');
}

function containerOf(event: ResolvedEvent): readonly unknown[] {
  switch (event.type) {
    case 'occupied': {
      const { type, calendar, ref, interval, version, kind, service, booking } = event;
      return [type, calendar, ref, interval.start, interval.end, version, kind, service, booking];
    }
    case 'ignored':
      return [event.type, event.calendar, event.ref, event.at];
    case 'released':
      return [event.type, event.calendar, event.ref, event.version];
    case 'available':
      return [
        event.type,
        event.calendar,
        [...event.dates].map(([date, windows]) => [date, canonicalWindows(windows)]),
      ];
  }
}
