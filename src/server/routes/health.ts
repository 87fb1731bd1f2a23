/** The liveness and readiness probes, without a key. */
import { sendProblem } from '../problem.js';
import type { Routes } from '../types.js';

export const healthRoutes: Routes = (server, engine) => {
  server.get('/healthz', () => ({ status: 'ok' }));

  // A 503 stops the traffic to this process, so a failure of one account or of the queue is 200: pushes can still be committed.
  server.get('/readyz', async (_request, reply) => {
    const readiness = await engine.readiness();
    if (readiness.ready) return readiness;
    const detail = 'the database cannot commit';
    return sendProblem(reply, { status: 503, title: 'Service unavailable', detail, ...readiness });
  });
};
