/** Routes that list, retry and drop failures. */
import { z } from 'zod';
import { API_ACTOR } from '../auth.js';
import type { Routes } from '../types.js';

const body = z.object({
  /** The ids of GET /v1/failed; a retry without ids retries everything. */
  ids: z.array(z.string().min(1)).min(1).max(10_000),
});

export const failedRoutes: Routes = (server, engine) => {
  server.get('/failed', async () => ({ items: await engine.failures.list() }));

  server.post('/failed/retry', { schema: { body: body.partial().nullish() } }, async (request) => {
    const { failures } = engine;
    const ids = request.body?.ids ?? (await failures.list()).map(({ id }) => id);
    return await failures.settle('retry', ids, API_ACTOR);
  });

  server.post('/failed/drop', { schema: { body } }, async ({ body: { ids } }) =>
    engine.failures.settle('drop', ids, API_ACTOR),
  );
};
