// Control routes that change a running sandbox: estate, faults, clock, delivery faults, read lag, limits and tokens.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SandboxControls } from '../controls.js';
import { faultRuleSchema } from '../fault-injector.js';
import { lagSchema, parseInput, toInstant } from '../input.js';
import { deliveryFaultsSchema } from '../push/delivery-faults.js';
import { clientSchema, estateSchema, limitsSchema } from '../seed.js';
import { instantSchema } from './schemas.js';

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
const readLagBody = z.strictObject({ lagMs: lagSchema });
const setTimeBody = z.strictObject({ now: instantSchema, stopped: z.boolean().optional() });
const advanceBody = z.strictObject({ advanceMs: z.number('is no number of milliseconds') });

export function mountSettingsRoutes(app: FastifyInstance, sandbox: SandboxControls): void {
  app.put('/estate', ({ body }) => {
    const { clients, facilities } = parseInput(estateBody, body);
    sandbox.setEstate(facilities && { facilities }, clients);
    return {};
  });
  app.delete('/estate', () => {
    sandbox.setEstate(undefined);
    return {};
  });

  app.get('/faults', () => ({ rules: sandbox.faults.rules }));
  app.put('/faults', ({ body }) => {
    const { rules, seed } = parseInput(faultsBody, body);
    sandbox.faults.set(rules, seed);
    return { rules: sandbox.faults.rules };
  });
  app.delete('/faults', () => {
    sandbox.faults.clear();
    return { rules: [] };
  });

  app.get('/time', () => ({ now: formatNow(sandbox) }));
  app.post('/time', ({ body }) => {
    if (typeof body === 'object' && body !== null && 'advanceMs' in body) {
      sandbox.clock.advance(parseInput(advanceBody, body).advanceMs);
    } else {
      const { now, stopped } = parseInput(setTimeBody, body);
      sandbox.clock.set(toInstant(now, 'now'), { stopped: stopped ?? false });
    }
    return { now: formatNow(sandbox) };
  });

  app.put('/delivery', ({ body }) => {
    sandbox.setDelivery(parseInput(deliveryFaultsSchema, body));
    return {};
  });
  app.put('/reading', ({ body }) => {
    sandbox.setReadLag(parseInput(readLagBody, body).lagMs);
    return {};
  });
  app.put('/limits', ({ body }) => {
    sandbox.setLimits(parseInput(limitsSchema.partial(), body));
    return {};
  });
  app.post('/tokens/revoke', ({ body }) => {
    sandbox.revokeTokens(parseInput(revokeBody, body ?? {}).client);
    return {};
  });
  app.post('/reset', () => {
    sandbox.reset();
    return {};
  });
}

function formatNow(sandbox: SandboxControls): string {
  return new Date(sandbox.clock.now()).toISOString();
}
