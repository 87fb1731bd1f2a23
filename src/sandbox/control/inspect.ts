// Looking into a running sandbox: which requests came, what was pushed, what a patient can choose, what stands.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Hands } from '../controls.js';
import { readInput } from '../input.js';
import { placeSchema, rangeSchema, refOf } from './read.js';

const whole = z.string().regex(/^\d+$/, 'is no whole number').transform(Number);
const logSchema = z.strictObject({ after: whole.optional(), limit: whole.optional() });

export function mountLooking(app: FastifyInstance, sandbox: Hands): void {
  app.get('/requests', ({ query }) => {
    const { after = 0, limit } = readInput(logSchema, query);
    return { requests: sandbox.requests.filter(({ n }) => n > after).slice(0, limit) };
  });
  app.get('/deliveries', ({ query }) => {
    const { after = 0, limit } = readInput(logSchema, query);
    return { deliveries: sandbox.deliveries.filter(({ n }) => n > after).slice(0, limit) };
  });
  app.get('/patient', ({ query }) => {
    const { from, to, ...place } = readInput(rangeSchema, query);
    return { starts: sandbox.patientView(refOf(place), from, to) };
  });
  app.get('/slots', ({ query }) => {
    const { from, to, ...place } = readInput(rangeSchema, query);
    return { slots: sandbox.slots(refOf(place), from, to) };
  });
  app.get('/bookings', ({ query }) => ({ bookings: sandbox.bookings(refOf(readInput(placeSchema, query))) }));
  app.get('/breaks', ({ query }) => ({ breaks: sandbox.breaks(refOf(readInput(placeSchema, query))) }));
}
