/** Health for those who watch the process: alive, and able to work. No key. */
import { sendProblem } from '../problem.js';
import type { Routes } from '../types.js';

export const healthRoutes: Routes = (server, engine) => {
  server.get('/healthz', () => ({ status: 'ok' }));

  server.get('/readyz', async (request, reply) => {
    try {
      await engine.ping();
    } catch (error) {
      request.log.warn({ err: error }, 'not ready');
      const detail = 'the record or the queue does not answer';
      return sendProblem(reply, { status: 503, title: 'Service unavailable', detail });
    }
    return { status: 'ready' };
  });
};
