// Control routes of the simulated admin: the services, commercial type, cutting and assignment of an address.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SandboxControls } from '../controls.js';
import { parseInput } from '../input.js';
import { commercialTypeSchema, cuttingSchema, serviceSchema } from '../seed.js';
import { addressSchema, toAddressRef } from './schemas.js';

const assignBody = addressSchema.extend({ told: z.boolean().optional() });
const servicesBody = assignBody.extend({ services: z.array(serviceSchema) });
const cuttingBody = addressSchema.extend({ cutting: cuttingSchema });
/** Earlier names, which are still accepted. */
const LEGACY_TYPES = { commercial: 'premium', 'non-commercial': 'basic' } as const;
const typeBody = addressSchema.extend({
  type: z.union([
    commercialTypeSchema,
    z.enum(['commercial', 'non-commercial']).transform((type) => LEGACY_TYPES[type]),
  ]),
});

export function mountAddressRoutes(app: FastifyInstance, sandbox: SandboxControls): void {
  app.put('/address/services', ({ body }) => {
    const { services, told, ...address } = parseInput(servicesBody, body);
    return sandbox.setServices(toAddressRef(address), services, { told });
  });
  app.put('/address/commercial-type', ({ body }) => {
    const { type, ...address } = parseInput(typeBody, body);
    sandbox.setCommercialType(toAddressRef(address), type);
    return {};
  });
  app.put('/address/cutting', ({ body }) => {
    const { cutting, ...address } = parseInput(cuttingBody, body);
    sandbox.setCutting(toAddressRef(address), cutting);
    return {};
  });
  app.post('/address/assign', ({ body }) => {
    const { told, ...address } = parseInput(assignBody, body);
    sandbox.assignAddress(toAddressRef(address), { told });
    return {};
  });
  app.post('/address/unassign', ({ body }) => {
    const { told, ...address } = parseInput(assignBody, body);
    sandbox.unassignAddress(toAddressRef(address), { told });
    return {};
  });
}
