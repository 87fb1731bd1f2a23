/** What the marketplace said, for a PMS that asks. */
import { z } from 'zod';
import { notFound } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: z.string().max(100) });
const query = z.object({
  /** `next` of the answer before; without it, from the oldest that is kept. */
  after: z
    .string()
    .regex(/^\d{1,18}$/, 'must be a cursor that was given before')
    .optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  /** Seconds to wait for one where there is none yet. */
  wait: z.coerce.number().min(0).max(25).default(0),
});

export const notificationRoutes: Routes = (server, engine) => {
  const closing = new AbortController();
  // Who waits is answered at once, or they would be waited for.
  server.addHook('preClose', async () => closing.abort());

  server.get('/notifications', { schema: { querystring: query } }, async (request, reply) => {
    const { after, limit, wait } = request.query;
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    closing.signal.addEventListener('abort', leave);
    reply.raw.once('close', leave);
    try {
      const isClosing = closing.signal.aborted;
      return await engine.notifications({
        after,
        limit,
        waitMs: isClosing ? 0 : wait * 1000,
        signal: gone.signal,
      });
    } finally {
      closing.signal.removeEventListener('abort', leave);
    }
  });

  server.get('/notifications/:id', { schema: { params } }, async ({ params: { id } }) => {
    const item = await engine.notification(id);
    if (item === undefined) throw notFound(`there is no notification "${id}", or no longer`);
    return item;
  });
};
