/** Routes that begin and report full resyncs. */
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import { UnknownCalendarsError } from '../../resync/unknown-calendars-error.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const body = z
  .strictObject({ calendars: z.array(ownId).min(1).max(10_000).optional(), dryRun: z.boolean().optional() })
  .nullish();
const params = z.object({ id: z.string().min(1).max(100) });

export const resyncRoutes: Routes = (server, engine) => {
  server.post('/resync', { schema: { body } }, async (request, reply) => {
    const resync = await engine.resyncs.begin(request.body ?? {}).catch((error: unknown) => {
      if (!(error instanceof UnknownCalendarsError)) throw error;
      const errors = [{ path: 'calendars', reason: error.message }];
      throw new ProblemError({ status: 400, title: 'Invalid request', errors });
    });
    return reply.code(202).send(resync);
  });

  server.get('/resync', async () => ({ resyncs: await engine.resyncs.list() }));

  server.get('/resync/:id', { schema: { params } }, async ({ params: { id } }) => {
    const report = await engine.resyncs.report(id);
    if (report === undefined) throw notFound(`there is no resync "${id}"`);
    return report;
  });
};
