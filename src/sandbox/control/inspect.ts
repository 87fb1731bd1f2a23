// Control routes that inspect a running sandbox: request log, delivery log, bookable starts, work periods, bookings and breaks.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SandboxControls } from '../controls.js';
import { parseInput } from '../input.js';
import { addressSchema, rangeSchema, toAddressRef } from './schemas.js';

const whole = z.string().regex(/^\d+$/, 'is no whole number').transform(Number);
const logSchema = z.strictObject({ after: whole.optional(), limit: whole.optional() });

export function mountInspectionRoutes(app: FastifyInstance, sandbox: SandboxControls): void {
  app.get('/requests', ({ query }) => {
    const { after = 0, limit } = parseInput(logSchema, query);
    return { requests: sandbox.requests.filter(({ n }) => n > after).slice(0, limit) };
  });
  app.get('/deliveries', ({ query }) => {
    const { after = 0, limit } = parseInput(logSchema, query);
    return { deliveries: sandbox.deliveries.filter(({ n }) => n > after).slice(0, limit) };
  });
  app.get('/patient', ({ query }) => {
    const { from, to, ...address } = parseInput(rangeSchema, query);
    return { starts: sandbox.patientView(toAddressRef(address), from, to) };
  });
  app.get('/slots', ({ query }) => {
    const { from, to, ...address } = parseInput(rangeSchema, query);
    return { slots: sandbox.slots(toAddressRef(address), from, to) };
  });
  app.get('/bookings', ({ query }) => ({
    bookings: sandbox.bookings(toAddressRef(parseInput(addressSchema, query))),
  }));
  app.get('/breaks', ({ query }) => ({
    breaks: sandbox.breaks(toAddressRef(parseInput(addressSchema, query))),
  }));
}
