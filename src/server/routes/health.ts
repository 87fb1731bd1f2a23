/** Health for those who watch the process: alive, and able to work. No key. */
import { sendProblem } from '../problem.js';
import type { Routes } from '../types.js';

export const healthRoutes: Routes = (server, engine) => {
  server.get('/healthz', () => ({ status: 'ok' }));

  // Trouble of one account or of the queue takes no push away from the others: only where nothing can be committed it is 503.
  server.get('/readyz', async (_request, reply) => {
    const readiness = await engine.readiness();
    if (readiness.ready) return readiness;
    const detail = 'nothing can be committed just now';
    return sendProblem(reply, { status: 503, title: 'Service unavailable', detail, ...readiness });
  });
};
