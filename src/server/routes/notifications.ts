/** Routes of the notification feed, which a PMS polls. */
import { z } from 'zod';
import { notFound } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: z.string().max(100) });
const query = z.object({
  /** `next` of the previous response; default: the oldest stored notification. */
  after: z
    .string()
    .regex(/^\d{1,18}$/, 'must be a cursor of an earlier response')
    .optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  /** Seconds to wait for the first notification. */
  wait: z.coerce.number().min(0).max(25).default(0),
});

export const notificationRoutes: Routes = (server, engine) => {
  const closing = new AbortController();
  // Waiting requests are answered at once, because the server waits for them on stop.
  server.addHook('preClose', async () => closing.abort());

  server.get('/notifications', { schema: { querystring: query } }, async (request, reply) => {
    const { after, limit, wait } = request.query;
    const ended = new AbortController();
    const end = (): void => ended.abort();
    closing.signal.addEventListener('abort', end);
    reply.raw.once('close', end);
    try {
      const isClosing = closing.signal.aborted;
      return await engine.notifications({
        after,
        limit,
        waitMs: isClosing ? 0 : wait * 1000,
        signal: ended.signal,
      });
    } finally {
      closing.signal.removeEventListener('abort', end);
    }
  });

  server.get('/notifications/:id', { schema: { params } }, async ({ params: { id } }) => {
    const item = await engine.notification(id);
    if (item === undefined) throw notFound(`there is no notification "${id}", or it was deleted`);
    return item;
  });
};
