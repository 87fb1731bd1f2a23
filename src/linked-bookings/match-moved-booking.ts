/**
 * Whether a booking is the result of our move: of the same patient, at the requested time, and as long. Pure. Contract:
 * moveBooking.
 */
import { isDeepStrictEqual } from 'node:util';
import type { InDoubtMove } from '../db/tables/in-doubt.js';
import type { Booking } from '../docplanner/index.js';
import { toBookingUpdate } from '../marketplace-state/booking-update.js';

export function isResultOfMove(move: InDoubtMove, before: Booking, candidate: Booking): boolean {
  const { id, status, start, end } = toBookingUpdate(candidate);
  return (
    status === 'booked' &&
    id !== move.subject &&
    start === move.start.getTime() &&
    (move.end === null || end === move.end.getTime()) &&
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
