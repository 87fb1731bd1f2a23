/** The days of a calendar: what is wanted, what is published, and how it stands between them. */
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import { addDays, localDate } from '../../core/index.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId });
const query = z.object({
  /** Local dates, both included; default today and the six days after `from`. */
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
});

const MOST_DAYS = 366;

export const dayRoutes: Routes = (server, engine) => {
  server.get('/calendars/:id/days', { schema: { params, querystring: query } }, async (request) => {
    const { id } = request.params;
    const from = request.query.from ?? localDate(engine.now(), 'UTC');
    const to = request.query.to ?? addDays(from, 6);
    if (to < from || to > addDays(from, MOST_DAYS - 1)) {
      const reason = to < from ? 'is before from' : `is more than ${MOST_DAYS} days after from`;
      throw new ProblemError({ status: 400, title: 'Invalid request', errors: [{ path: 'to', reason }] });
    }
    const days = await engine.days(id, from, to);
    if (days === undefined) throw notFound(`there is no calendar "${id}"`);
    return days;
  });
};
