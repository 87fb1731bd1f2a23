/** Hashes the content of an event, to detect a duplicate id with different content. */
import { hash } from 'node:crypto';
import type { ResolvedEvent } from './resolve-event.js';
import { canonicalWindows } from './snapshots/window-coverage.js';

/** Equal for events with the same meaning, in whatever notation. */
export function hashContent(event: ResolvedEvent): string {
  return hash('sha256', JSON.stringify(contentFieldsOf(event)), 'base64url');
}

function contentFieldsOf(event: ResolvedEvent): readonly unknown[] {
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
