// Steering a running sandbox: what exists, what fails, what time it is, how much is allowed.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Hands } from '../controls.js';
import { faultRuleSchema } from '../faults.js';
import { lagSchema, readInput, toInstant } from '../input.js';
import { disorderSchema } from '../push/delivery-faults.js';
import { clientSchema, estateSchema, limitsSchema } from '../seed.js';
import { instantSchema } from './read.js';

const estateBody = z
  .strictObject({
    facilities: estateSchema.shape.facilities.optional(),
    clients: z.array(clientSchema).optional(),
  })
  .refine(({ facilities, clients }) => facilities !== undefined || clients !== undefined, {
    path: ['facilities'],
    error: 'is missing, and so are clients',
  });
const faultsBody = z.strictObject({ rules: z.array(faultRuleSchema), seed: z.int().optional() });
const revokeBody = z.strictObject({ client: z.string().optional() });
const readingBody = z.strictObject({ lagMs: lagSchema });
const setTimeBody = z.strictObject({ now: instantSchema, stopped: z.boolean().optional() });
const advanceBody = z.strictObject({ advanceMs: z.number('is no number of milliseconds') });

export function mountSteering(app: FastifyInstance, sandbox: Hands): void {
  app.put('/estate', ({ body }) => {
    const { clients, facilities } = readInput(estateBody, body);
    sandbox.setEstate(facilities && { facilities }, clients);
    return {};
  });
  app.delete('/estate', () => {
    sandbox.setEstate(undefined);
    return {};
  });

  app.get('/faults', () => ({ rules: sandbox.faults.rules }));
  app.put('/faults', ({ body }) => {
    const { rules, seed } = readInput(faultsBody, body);
    sandbox.faults.set(rules, seed);
    return { rules: sandbox.faults.rules };
  });
  app.delete('/faults', () => {
    sandbox.faults.clear();
    return { rules: [] };
  });

  app.get('/time', () => ({ now: isoNow(sandbox) }));
  app.post('/time', ({ body }) => {
    if (typeof body === 'object' && body !== null && 'advanceMs' in body) {
      sandbox.clock.advance(readInput(advanceBody, body).advanceMs);
    } else {
      const { now, stopped } = readInput(setTimeBody, body);
      sandbox.clock.set(toInstant(now, 'now'), { stopped: stopped ?? false });
    }
    return { now: isoNow(sandbox) };
  });

  app.put('/delivery', ({ body }) => {
    sandbox.setDelivery(readInput(disorderSchema, body));
    return {};
  });
  app.put('/reading', ({ body }) => {
    sandbox.setReadLag(readInput(readingBody, body).lagMs);
    return {};
  });
  app.put('/limits', ({ body }) => {
    sandbox.setLimits(readInput(limitsSchema.partial(), body));
    return {};
  });
  app.post('/tokens/revoke', ({ body }) => {
    sandbox.revokeTokens(readInput(revokeBody, body ?? {}).client);
    return {};
  });
  app.post('/reset', () => {
    sandbox.reset();
    return {};
  });
}

function isoNow(sandbox: Hands): string {
  return new Date(sandbox.clock.now()).toISOString();
}
