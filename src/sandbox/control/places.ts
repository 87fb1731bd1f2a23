// What changes about an address: its services, its commercial type, whether it is the clients' at all.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Hands } from '../controls.js';
import { readInput } from '../input.js';
import { commercialTypeSchema, cuttingSchema, serviceSchema } from '../seed.js';
import { placeSchema, refOf } from './read.js';

const assignBody = placeSchema.extend({ told: z.boolean().optional() });
const servicesBody = assignBody.extend({ services: z.array(serviceSchema) });
const cuttingBody = placeSchema.extend({ cutting: cuttingSchema });
/** Older words, which stay. */
const OLDER_TYPES = { commercial: 'premium', 'non-commercial': 'basic' } as const;
const typeBody = placeSchema.extend({
  type: z.union([
    commercialTypeSchema,
    z.enum(['commercial', 'non-commercial']).transform((type) => OLDER_TYPES[type]),
  ]),
});

export function mountPlaces(app: FastifyInstance, sandbox: Hands): void {
  app.put('/address/services', ({ body }) => {
    const { services, told, ...place } = readInput(servicesBody, body);
    return sandbox.setServices(refOf(place), services, { told });
  });
  app.put('/address/commercial-type', ({ body }) => {
    const { type, ...place } = readInput(typeBody, body);
    sandbox.setCommercialType(refOf(place), type);
    return {};
  });
  app.put('/address/cutting', ({ body }) => {
    const { cutting, ...place } = readInput(cuttingBody, body);
    sandbox.setCutting(refOf(place), cutting);
    return {};
  });
  app.post('/address/assign', ({ body }) => {
    const { told, ...place } = readInput(assignBody, body);
    sandbox.assignAddress(refOf(place), { told });
    return {};
  });
  app.post('/address/unassign', ({ body }) => {
    const { told, ...place } = readInput(assignBody, body);
    sandbox.unassignAddress(refOf(place), { told });
    return {};
  });
}
