// Whether the patient came, and the request for an opinion after the visit. Contract: Resources.
import { z } from 'zod';
import { Refusal } from '../http/answer.js';
import type { Call, Operation } from '../http/operation.js';
import type { Presence } from '../market/booking.js';
import { markPresence } from '../market/visits.js';
import { ADDRESS, DOCTOR } from './paths.js';
import { bodyAs, editablePlaceOf, invalid, param } from './read.js';
import { doctorOf } from './resources.js';

const PRESENCE = `${ADDRESS}/bookings/:bookingId/presence/patient`;

const marking = (name: string, method: 'POST' | 'DELETE', presence: Presence): Operation => ({
  name,
  method,
  path: PRESENCE,
  handle: (call) => {
    mark(call, presence);
    return { status: 204 };
  },
});

const opinionSchema = z.object({ phone: z.string('This value is required.') });

const requestOpinion: Operation = {
  name: 'requestOpinion',
  method: 'PUT',
  path: `${DOCTOR}/opinion-request`,
  handle: (call) => {
    doctorOf(call);
    const { phone } = bodyAs(opinionSchema, call);
    if (!/^\+?\d{6,15}$/.test(phone)) throw invalid('phone', 'Phone number is invalid.');
    return { status: 200 };
  },
};

export const patientOperations: readonly Operation[] = [
  marking('markPatientPresence', 'POST', 'present'),
  marking('markPatientAbsence', 'DELETE', 'absent'),
  requestOpinion,
];

function mark(call: Call, presence: Presence): void {
  const { calendar } = editablePlaceOf(call);
  const id = param(call, 'bookingId');
  const booking = calendar.bookings.get(id);
  if (booking !== undefined && booking.start > call.now) throw new Refusal(400, 'Visit is in the future.');
  const outcome = markPresence(call.market, calendar, id, presence, 'integration', call.now);
  if (outcome.ok) return;
  throw outcome.reason === 'unknown'
    ? new Refusal(404, 'Booking not found.')
    : new Refusal(409, 'Visit is marked as canceled.');
}
