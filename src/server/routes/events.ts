/** The route that receives occupancy events. */
import { z } from 'zod';
import type { OccupancyEvent } from '../../clinic/occupancy-event.js';
import { API_ACTOR } from '../auth.js';
import { sendProblem } from '../problem.js';
import type { Routes } from '../types.js';
import { validatedByItem } from '../validator.js';

const body = validatedByItem(
  z.object({
    /** Valid events are committed even where others are rejected. */
    events: z.array(z.unknown()).min(1).max(1_000),
  }),
);

const query = z.object({
  /** Whether the result is only computed. */
  dryRun: z.enum(['true', 'false']).optional(),
});

const problem = z.object({ path: z.string(), reason: z.string() });
const answer = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  stale: z.int(),
  ignored: z.int(),
  past: z.int(),
  rejected: z
    .array(
      z.object({
        index: z.int(),
        id: z.string().nullable(),
        reason: z.string(),
        problems: z.array(problem).readonly(),
      }),
    )
    .readonly(),
  warnings: z.array(problem.extend({ index: z.int(), id: z.string().nullable() })).readonly(),
  differing: z.array(z.object({ index: z.int(), id: z.string() })).readonly(),
});

export const eventRoutes: Routes = (server, engine) => {
  const schema = { body, querystring: query, response: { 202: answer } };
  server.post('/events', { schema }, async (request, reply) => {
    // The engine validates the events.
    const events = request.body.events as OccupancyEvent[];
    const result = await engine.events(events, {
      dryRun: request.query.dryRun === 'true',
      actor: API_ACTOR,
    });
    if (result.rejected.length < events.length) return reply.code(202).send(result);
    const detail =
      events.length === 1 ? 'the event was rejected' : `all ${events.length} events were rejected`;
    return sendProblem(reply, { status: 422, title: 'Nothing was stored', detail, ...result });
  });
};
