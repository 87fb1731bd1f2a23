/** The route of conflicts: times that are sold twice. */
import type { Routes } from '../types.js';

export const conflictRoutes: Routes = (server, engine) => {
  server.get('/conflicts', async () => ({ items: await engine.conflicts() }));
};
