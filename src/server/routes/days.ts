/** The route of a calendar's days: the desired and the published availability, and the state between them. */
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import { addDays } from '../../core/index.js';
import { localDate } from '../local-date.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId });
const query = z.object({
  /** Local dates, both included; default today, in the account's zone, and the six days after `from`. */
  from: localDate.optional(),
  to: localDate.optional(),
});

const MAX_DAYS = 366;

export const dayRoutes: Routes = (server, engine) => {
  server.get('/calendars/:id/days', { schema: { params, querystring: query } }, async (request) => {
    const { id } = request.params;
    const today = await engine.today(id);
    if (today === undefined) throw notFound(`there is no calendar "${id}"`);
    const { from = today } = request.query;
    const to = request.query.to ?? addDays(from, 6);
    if (to < from || to > addDays(from, MAX_DAYS - 1)) {
      const reason = to < from ? 'is before from' : `is more than ${MAX_DAYS} days after from`;
      throw new ProblemError({ status: 400, title: 'Invalid request', errors: [{ path: 'to', reason }] });
    }
    const days = await engine.days(id, from, to);
    if (days === undefined) throw notFound(`there is no calendar "${id}"`);
    return days;
  });
};
