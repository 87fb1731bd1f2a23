/** Calendars. */
import { z } from 'zod';
import { calendarSchema, ownId, toCalendar } from '../../config/schema.js';
import { getAccount } from '../../store/accounts.js';
import { type Address, addressOf } from '../../store/address-services.js';
import {
  type CalendarState,
  calendarAt,
  deleteCalendar,
  getCalendar,
  listCalendars,
} from '../../store/calendars.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId });

const view = ({ failed, retrying, ...calendar }: CalendarState) => ({
  ...calendar,
  failed: failed === undefined ? null : { reason: failed.reason, at: failed.at.toISOString() },
  retrying:
    retrying === undefined
      ? null
      : { reason: retrying.reason, attempts: retrying.attempts, at: retrying.at.toISOString() },
});

/** As it was last read; null where it never was. */
const viewOfAddress = (address: Address | undefined) =>
  address?.readAt == null
    ? null
    : {
        status: address.status,
        services: address.services.map(({ goneSince, ...service }) => ({
          ...service,
          goneSince: goneSince?.toISOString() ?? null,
        })),
        readAt: address.readAt.toISOString(),
      };

export const calendarRoutes: Routes = (server, engine) => {
  server.get('/calendars', async () => (await listCalendars(engine.db)).map(view));

  server.get('/calendars/:id', { schema: { params } }, async ({ params: { id } }) => {
    const calendar = await getCalendar(engine.db, id);
    if (calendar === undefined) throw notFound(`there is no calendar "${id}"`);
    return { ...view(calendar), marketplace: viewOfAddress(await addressOf(engine.db, id)) };
  });

  server.put('/calendars/:id', { schema: { params, body: calendarSchema } }, async (request, reply) => {
    const calendar = toCalendar(request.params.id, request.body);
    if ((await getAccount(engine.db, calendar.account)) === undefined) {
      throw new ProblemError({
        status: 400,
        title: 'Invalid request',
        errors: [{ path: 'account', reason: `there is no account "${calendar.account}"` }],
      });
    }
    const other = await calendarAt(engine.db, calendar);
    if (other !== undefined && other !== calendar.id) {
      const detail = `the calendar "${other}" is the same doctor and address already`;
      throw new ProblemError({ status: 409, title: 'Conflict', detail });
    }
    const isNew = (await getCalendar(engine.db, calendar.id)) === undefined;
    const held = await engine.putCalendar(calendar);
    const state = (await getCalendar(engine.db, calendar.id)) ?? calendar;
    // What is held is not done yet: the answer is the calendar as it still is.
    if (held !== null) return reply.code(202).send({ ...view(state), held });
    return reply.code(isNew ? 201 : 200).send(view(calendar));
  });

  server.delete('/calendars/:id', { schema: { params } }, async (request, reply) => {
    const { id } = request.params;
    if (!(await deleteCalendar(engine.db, id))) throw notFound(`there is no calendar "${id}"`);
    return reply.code(204).send();
  });
};
