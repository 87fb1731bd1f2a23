// What changes about an address: its services, its commercial type, whether it is the clients' at all.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { serviceSchema } from '../estate.js';
import type { Hands } from '../hands.js';
import { readInput } from '../input.js';
import { placeSchema, refOf } from './read.js';

const servicesBody = placeSchema.extend({ services: z.array(serviceSchema) });
const typeBody = placeSchema.extend({ type: z.enum(['commercial', 'non-commercial']) });

export function mountPlaces(app: FastifyInstance, sandbox: Hands): void {
  app.put('/address/services', ({ body }) => {
    const { services, ...place } = readInput(servicesBody, body);
    return sandbox.setServices(refOf(place), services);
  });
  app.put('/address/commercial-type', ({ body }) => {
    const { type, ...place } = readInput(typeBody, body);
    sandbox.setCommercialType(refOf(place), type);
    return {};
  });
  app.post('/address/assign', ({ body }) => {
    sandbox.assignAddress(refOf(readInput(placeSchema, body)));
    return {};
  });
  app.post('/address/unassign', ({ body }) => {
    sandbox.unassignAddress(refOf(readInput(placeSchema, body)));
    return {};
  });
}
