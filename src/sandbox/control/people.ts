// Control routes of the simulated people: a patient books, moves and cancels, with the clinic's approval where its client has
// `asks`; a doctor manages breaks.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SandboxControls } from '../controls.js';
import { parseInput } from '../input.js';
import { PAYMENT_STATUSES } from '../market/booking.js';
import { addressSchema, instantSchema, personSchema, toAddressRef } from './schemas.js';

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

const bookBody = addressSchema.extend({
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
const breakBody = addressSchema.extend({ ...breakRange.shape, description: z.string().optional() });
const presenceBody = z.strictObject({ presence: z.enum(['present', 'absent']) });
/** `pending` is the earlier name of `waiting_for_confirmation`. */
const paymentBody = z.strictObject({
  status: z
    .enum([...PAYMENT_STATUSES, 'pending'])
    .transform((status) => (status === 'pending' ? 'waiting_for_confirmation' : status)),
});
const idParams = z.object({ id: z.string() });

export function mountPeopleRoutes(app: FastifyInstance, sandbox: SandboxControls): void {
  app.post('/bookings', ({ body }, reply) => {
    const { facility, doctor, address, service, ...booking } = parseInput(bookBody, body);
    reply.code(201);
    return sandbox.bookAsking(toAddressRef({ facility, doctor, address }), {
      ...booking,
      serviceId: service,
    });
  });
  app.delete('/bookings/:id', ({ params, body }) =>
    sandbox.cancel(parseId(params), parseInput(cancelBody, body ?? {})),
  );
  app.post('/bookings/:id/move', ({ params, body }, reply) => {
    const { service, doctor, address, ...move } = parseInput(moveBody, body);
    reply.code(201);
    const to = { ...move, serviceId: service, doctorId: doctor, addressId: address };
    return sandbox.moveAsking(parseId(params), to);
  });
  app.post('/bookings/:id/confirm', ({ params }) => sandbox.confirm(parseId(params)));
  app.post('/bookings/:id/presence', ({ params, body }) =>
    sandbox.markPresence(parseId(params), parseInput(presenceBody, body).presence),
  );
  app.post('/bookings/:id/payment', ({ params, body }) =>
    sandbox.setPayment(parseId(params), parseInput(paymentBody, body).status),
  );

  app.post('/breaks', ({ body }, reply) => {
    const { facility, doctor, address, ...range } = parseInput(breakBody, body);
    reply.code(201);
    return sandbox.addBreak(toAddressRef({ facility, doctor, address }), range);
  });
  app.patch('/breaks/:id', ({ params, body }) =>
    sandbox.moveBreak(parseId(params), parseInput(breakRange, body)),
  );
  app.delete('/breaks/:id', ({ params }) => {
    sandbox.removeBreak(parseId(params));
    return {};
  });
}

function parseId(params: unknown): string {
  return parseInput(idParams, params).id;
}
