// The operations that record whether the patient came, and that request an opinion after a visit. Contract: Resources.
import { z } from 'zod';
import type { Operation, OperationCall } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import type { Presence } from '../market/booking.js';
import { markPresence } from '../market/booking-actions.js';
import { ADDRESS, DOCTOR } from './paths.js';
import { invalidRequest, parseBody, requireParam, resolveEditableTarget } from './request.js';
import { requireDoctor } from './resources.js';

const PRESENCE = `${ADDRESS}/bookings/:bookingId/presence/patient`;

const presenceOperation = (name: string, method: 'POST' | 'DELETE', presence: Presence): Operation => ({
  name,
  method,
  path: PRESENCE,
  handle: (call) => {
    recordPresence(call, presence);
    return { status: 204 };
  },
});

const opinionSchema = z.object({ phone: z.string('This value is required.') });

const requestOpinion: Operation = {
  name: 'requestOpinion',
  method: 'PUT',
  path: `${DOCTOR}/opinion-request`,
  handle: (call) => {
    requireDoctor(call);
    const { phone } = parseBody(opinionSchema, call);
    if (!/^\+?\d{6,15}$/.test(phone)) throw invalidRequest('phone', 'Phone number is invalid.');
    return { status: 200 };
  },
};

export const patientOperations: readonly Operation[] = [
  presenceOperation('markPatientPresence', 'POST', 'present'),
  presenceOperation('markPatientAbsence', 'DELETE', 'absent'),
  requestOpinion,
];

function recordPresence(call: OperationCall, presence: Presence): void {
  const { calendar } = resolveEditableTarget(call);
  const id = requireParam(call, 'bookingId');
  const booking = calendar.bookings.get(id);
  if (booking !== undefined && booking.start > call.now) throw new ApiError(400, 'Visit is in the future.');
  const outcome = markPresence(call.market, calendar, id, presence, 'integration', call.now);
  if (outcome.ok) return;
  throw outcome.reason === 'unknown'
    ? new ApiError(404, 'Booking not found.')
    : new ApiError(409, 'Visit is marked as canceled.');
}
