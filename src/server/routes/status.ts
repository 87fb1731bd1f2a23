/** The route of the engine's status. */
import type { Routes } from '../types.js';

export const statusRoutes: Routes = (server, engine) => {
  server.get('/status', async () => await engine.status());
};
