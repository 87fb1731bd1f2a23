/** Occupancy events in. */
import { z } from 'zod';
import type { Routes } from '../types.js';

const body = z.object({
  /** Checked one by one: the good ones are committed even where others are rejected. */
  events: z.array(z.unknown()).min(1).max(1_000),
});

const answer = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  stale: z.int(),
  ignored: z.int(),
  past: z.int(),
  rejected: z.array(z.object({ index: z.int(), id: z.string().nullable(), reason: z.string() })),
});

export const eventRoutes: Routes = (server, engine) => {
  server.post('/events', { schema: { body, response: { 202: answer } } }, async (request, reply) => {
    const result = await engine.events(request.body.events);
    return reply.code(202).send({ ...result, rejected: [...result.rejected] });
  });
};
