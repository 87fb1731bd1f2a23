/** The route that receives snapshots: the PMS's state of a calendar's dates. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import { API_ACTOR } from '../auth.js';
import { conflict, notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';
import { validatedByItem } from '../validator.js';

const params = z.object({ id: ownId });
const query = z.object({
  /** The deletion guard counts the deletions of one run together. */
  run: z.string().min(1).max(100).optional(),
});

export const snapshotRoutes: Routes = (server, engine) => {
  // Events that arrive while the snapshot is received are newer than it, so the time of its first byte counts.
  const arrivals = new WeakMap<IncomingMessage, number>();

  server.put(
    '/calendars/:id/snapshot',
    {
      schema: { params, querystring: query, body: validatedByItem(z.unknown()) },
      onRequest: (request, _reply, done) => {
        arrivals.set(request.raw, engine.now());
        done();
      },
    },
    async (request) => {
      const { id } = request.params;
      const outcome = await engine.snapshot(id, request.body, {
        run: request.query.run,
        arrivedAt: arrivals.get(request.raw),
        actor: API_ACTOR,
      });
      switch (outcome.kind) {
        case 'taken':
          return outcome.result;
        case 'unknown-calendar':
          if (outcome.isClosing) throw conflict(`the calendar "${id}" is being deleted`);
          throw notFound(`there is no calendar "${id}"`);
        case 'invalid':
          throw new ProblemError({
            status: 400,
            title: 'Invalid request',
            detail: 'the snapshot is invalid',
            errors: outcome.problems,
          });
      }
    },
  );
};
