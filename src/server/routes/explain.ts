/** The route that explains whether a start is on offer, and why. */
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import { InvalidScheduleError } from '../../core/index.js';
import { CHECKS } from '../../monitoring/explanation.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';
import { historyItem } from './history.js';

const params = z.object({ id: ownId });
const query = z.object({
  /** ISO 8601, or epoch milliseconds. Without an offset, a wall-clock time of the account's zone. */
  at: z.string({ error: 'is required' }).max(64),
  /** An address service id; default: any service. */
  service: z.string().min(1).max(64).optional(),
});

const answer = z.object({
  calendar: z.string(),
  at: z.string(),
  service: z.string().nullable(),
  wanted: z.boolean(),
  published: z.boolean(),
  shown: z.boolean().nullable(),
  state: z.enum(['in-sync', 'pending', 'failed', 'held', 'unknown']),
  checks: z.array(
    z.object({
      check: z.enum(CHECKS),
      ok: z.boolean().nullable(),
      detail: z.string(),
      by: z
        .object({
          kind: z.enum(['appointment', 'booking', 'break', 'buffer', 'shared']),
          ref: z.string().optional(),
          booking: z.string().optional(),
          break: z.string().optional(),
          calendar: z.string().optional(),
          start: z.string(),
          end: z.string(),
        })
        .optional(),
    }),
  ),
  next: z.string(),
  timeline: z.array(historyItem),
});

export const explainRoutes: Routes = (server, engine) => {
  const schema = { params, querystring: query, response: { 200: answer } };
  server.get('/calendars/:id/explain', { schema }, async ({ params: { id }, query: { at, service } }) => {
    const explanation = await engine.explain(id, restorePlus(at), { service }).catch((error: unknown) => {
      if (!(error instanceof InvalidScheduleError)) throw error;
      const { path, reason } = error;
      throw new ProblemError({ status: 400, title: 'Invalid request', errors: [{ path, reason }] });
    });
    if (explanation === undefined) throw notFound(`there is no calendar "${id}"`);
    return { ...explanation, checks: [...explanation.checks], timeline: [...explanation.timeline] };
  });
};

/** A plus sign that a client did not encode arrives as a space. */
const restorePlus = (at: string): string => at.replace(/^(.{11,}) (\d\d:?\d\d)$/, '$1+$2');
