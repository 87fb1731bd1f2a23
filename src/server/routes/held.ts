/** Routes that list, release and drop held changes. */
import { z } from 'zod';
import { API_ACTOR } from '../auth.js';
import type { Routes } from '../types.js';

const body = z.object({
  /** The ids of GET /v1/held. */
  ids: z.array(z.string().min(1)).min(1).max(10_000),
});

export const heldRoutes: Routes = (server, engine) => {
  server.get('/held', async () => ({ items: await engine.holds.list() }));

  for (const verb of ['release', 'drop'] as const) {
    server.post(`/held/${verb}`, { schema: { body } }, async ({ body: { ids } }) =>
      engine.holds.settle(verb, ids, API_ACTOR),
    );
  }
};
