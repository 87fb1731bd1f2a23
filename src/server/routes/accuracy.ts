/** The route of the accuracy: how fast and how exactly the marketplace followed the clinics. */
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import { localDate } from '../local-date.js';
import { ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const query = z.strictObject({
  account: ownId.optional(),
  /** Both included; default the 30 dates up to `to`, and today. */
  from: localDate.optional(),
  to: localDate.optional(),
});

export const accuracyRoutes: Routes = (server, engine) => {
  server.get('/accuracy', { schema: { querystring: query } }, async (request) => {
    const accuracy = await engine.accuracy(request.query);
    if (accuracy === undefined) {
      throw new ProblemError({
        status: 404,
        title: 'Not found',
        detail: `there is no account "${request.query.account}"`,
        errors: [{ path: 'account', reason: 'is not known' }],
      });
    }
    return accuracy;
  });
};
