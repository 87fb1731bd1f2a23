// Acting as the people in the marketplace: a patient books, moves and cancels, having the clinic asked where it wants to be, a
// doctor makes breaks.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Hands } from '../controls.js';
import { readInput } from '../input.js';
import { PAYMENT_STATUSES } from '../market/booking.js';
import { instantSchema, personSchema, placeSchema, refOf } from './read.js';

const minutes = z.int('is no whole number of minutes').positive().optional();

const patientSchema = z.strictObject({
  name: z.string(),
  phone: z.string(),
  surname: z.string().optional(),
  email: z.string().optional(),
  birth_date: z.string().optional(),
  nin: z.string().optional(),
  gender: z.enum(['m', 'f']).optional(),
  is_returning: z.boolean().optional(),
  insurance_number: z.string().optional(),
});

const visitBody = placeSchema.extend({
  start: instantSchema,
  service: z.string(),
  duration: minutes,
  patient: patientSchema.optional(),
  comment: z.string().optional(),
  paid: z.boolean().optional(),
  by: personSchema,
});
const moveBody = z.strictObject({
  start: instantSchema,
  service: z.string().optional(),
  duration: minutes,
  doctor: z.string().optional(),
  address: z.string().optional(),
  by: personSchema,
});
const cancelBody = z.strictObject({ by: personSchema, reason: z.string().optional() });
const breakRange = z.strictObject({ since: instantSchema, till: instantSchema });
const breakBody = placeSchema.extend({ ...breakRange.shape, description: z.string().optional() });
const presenceBody = z.strictObject({ presence: z.enum(['present', 'absent']) });
/** `pending` is an older word. */
const paymentBody = z.strictObject({
  status: z
    .enum([...PAYMENT_STATUSES, 'pending'])
    .transform((status) => (status === 'pending' ? 'waiting_for_confirmation' : status)),
});
const idParams = z.object({ id: z.string() });

export function mountPeople(app: FastifyInstance, sandbox: Hands): void {
  app.post('/bookings', ({ body }, reply) => {
    const { facility, doctor, address, service, ...visit } = readInput(visitBody, body);
    reply.code(201);
    return sandbox.bookAsking(refOf({ facility, doctor, address }), { ...visit, serviceId: service });
  });
  app.delete('/bookings/:id', ({ params, body }) =>
    sandbox.cancel(idIn(params), readInput(cancelBody, body ?? {})),
  );
  app.post('/bookings/:id/move', ({ params, body }, reply) => {
    const { service, doctor, address, ...move } = readInput(moveBody, body);
    reply.code(201);
    const to = { ...move, serviceId: service, doctorId: doctor, addressId: address };
    return sandbox.moveAsking(idIn(params), to);
  });
  app.post('/bookings/:id/confirm', ({ params }) => sandbox.confirm(idIn(params)));
  app.post('/bookings/:id/presence', ({ params, body }) =>
    sandbox.markPresence(idIn(params), readInput(presenceBody, body).presence),
  );
  app.post('/bookings/:id/payment', ({ params, body }) =>
    sandbox.setPayment(idIn(params), readInput(paymentBody, body).status),
  );

  app.post('/breaks', ({ body }, reply) => {
    const { facility, doctor, address, ...range } = readInput(breakBody, body);
    reply.code(201);
    return sandbox.addBreak(refOf({ facility, doctor, address }), range);
  });
  app.patch('/breaks/:id', ({ params, body }) =>
    sandbox.moveBreak(idIn(params), readInput(breakRange, body)),
  );
  app.delete('/breaks/:id', ({ params }) => {
    sandbox.removeBreak(idIn(params));
    return {};
  });
}

function idIn(params: unknown): string {
  return readInput(idParams, params).id;
}
