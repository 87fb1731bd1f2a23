/** What failed: to be looked at, tried again, or dropped. */
import { z } from 'zod';
import type { Routes } from '../types.js';

const body = z.object({
  /** As GET /v1/failed gives them; for a retry, without ids everything is meant. */
  ids: z.array(z.string().min(1)).min(1).max(10_000),
});

export const failedRoutes: Routes = (server, engine) => {
  server.get('/failed', async () => ({ items: await engine.failures.list() }));

  server.post('/failed/retry', { schema: { body: body.partial().nullish() } }, async ({ body: chosen }) => {
    const { failures } = engine;
    return await failures.settle('retry', chosen?.ids ?? (await failures.list()).map(({ id }) => id));
  });

  server.post('/failed/drop', { schema: { body } }, async ({ body: { ids } }) =>
    engine.failures.settle('drop', ids),
  );
};
