/** Routes that cancel, move or link a marketplace booking, by its visit booking id. */
import { z } from 'zod';
import { instantSchema, marketplaceId, refSchema } from '../../clinic/event-schema.js';
import { ownId } from '../../config/schema.js';
import { notFound } from '../problem.js';
import { withProblems } from '../refused-problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId, bookingId: marketplaceId });
const cancelBody = z.strictObject({ reason: z.string().max(1_000).optional() }).nullish();
const moveBody = z.strictObject({
  start: instantSchema,
  service: marketplaceId.optional(),
  duration: z.int().min(1).max(1_440).optional(),
  addressId: marketplaceId.optional(),
});
const linkBody = z.strictObject({ ref: refSchema.nullable() });

export const bookingRoutes: Routes = (server, engine) => {
  server.post(
    '/calendars/:id/bookings/:bookingId/cancel',
    { schema: { params, body: cancelBody } },
    async ({ params: { id, bookingId }, body }) =>
      required(id, await withProblems(engine.bookings.cancel(id, bookingId, body ?? {}))),
  );

  server.post(
    '/calendars/:id/bookings/:bookingId/move',
    { schema: { params, body: moveBody } },
    async ({ params: { id, bookingId }, body }) =>
      required(id, await withProblems(engine.bookings.move(id, bookingId, body))),
  );

  server.post(
    '/calendars/:id/bookings/:bookingId/link',
    { schema: { params, body: linkBody } },
    async ({ params: { id, bookingId }, body: { ref } }) =>
      required(id, await withProblems(engine.bookings.link(id, bookingId, ref))),
  );
};

/** @throws {ProblemError} 404 for an unknown calendar */
function required<T>(calendar: string, report: T | undefined): T {
  if (report === undefined) throw notFound(`there is no calendar "${calendar}"`);
  return report;
}
