/**
 * Whether a booking is the result of our move: of the same patient, at the requested time, and as long. Pure. Contract:
 * moveBooking.
 */
import { isDeepStrictEqual } from 'node:util';
import { MINUTE } from '../core/duration.js';
import type { InDoubtMove } from '../db/tables/in-doubt-moves.js';
import type { Booking } from '../docplanner/index.js';
import { toBookingUpdate } from '../marketplace-state/booking-update.js';

export function isResultOfMove(move: InDoubtMove, before: Booking, candidate: Booking): boolean {
  const { id, status, start, end } = toBookingUpdate(candidate);
  return (
    status === 'booked' &&
    id !== move.booking &&
    start === move.start.getTime() &&
    (move.minutes === null || end - start === move.minutes * MINUTE) &&
    isSamePatient(before.patient, candidate.patient)
  );
}

/** Compares the fields that both have; a patient without a name matches nobody. */
function isSamePatient(one: unknown, other: unknown): boolean {
  const [a, b] = [knownFieldsOf(one), knownFieldsOf(other)];
  if (!a.has('name') || !b.has('name')) return false;
  return [...a].every(([field, value]) => !b.has(field) || isDeepStrictEqual(value, b.get(field)));
}

function knownFieldsOf(patient: unknown): ReadonlyMap<string, unknown> {
  const fields = typeof patient === 'object' && patient !== null ? Object.entries(patient) : [];
  return new Map(fields.filter(([, value]) => value != null && value !== ''));
}
