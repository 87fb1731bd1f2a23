/** Calendars. */
import { z } from 'zod';
import { calendarSchema, ownId, toCalendar } from '../../config/schema.js';
import { getAccount } from '../../db/tables/accounts.js';
import { type Address, getAddress } from '../../db/tables/address-services.js';
import { type CalendarState, getCalendar, listAllCalendars } from '../../db/tables/calendars.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId });
const deleting = z.object({
  /** Whether what is on sale stays as it is. */
  leave: z.enum(['true', 'false']).optional(),
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

const failureOf = ({ failed }: CalendarState) =>
  failed === undefined ? null : { reason: failed.reason, at: failed.at.toISOString() };

const formerView = (former: CalendarState, since: Date) => ({
  id: former.id,
  account: former.account,
  facilityId: former.facilityId,
  doctorId: former.doctorId,
  addressId: former.addressId,
  since: since.toISOString(),
  failed: failureOf(former),
});

/** @param places all that there are, for its former addresses */
function view(state: CalendarState, places: readonly CalendarState[]) {
  const { failed: _, retrying, closing, ...calendar } = state;
  return {
    ...calendar,
    state: closing === undefined ? 'active' : 'closing',
    ...(closing === undefined ? {} : { closingSince: closing.since.toISOString() }),
    failed: failureOf(state),
    retrying:
      retrying === undefined
        ? null
        : { reason: retrying.reason, attempts: retrying.attempts, at: retrying.at.toISOString() },
    /** Its former addresses, while what is on sale there is being closed. */
    closing: places.flatMap((one) =>
      one.formerOf === calendar.id && one.closing !== undefined ? [formerView(one, one.closing.since)] : [],
    ),
  };
}

export const calendarRoutes: Routes = (server, engine) => {
  const find = async (id: string) => {
    const calendar = await getCalendar(engine.db, id);
    return calendar && view(calendar, await listAllCalendars(engine.db));
  };

  server.get('/calendars', async () => {
    const places = await listAllCalendars(engine.db);
    return places.filter(({ formerOf }) => formerOf === undefined).map((one) => view(one, places));
  });

  server.get('/calendars/:id', { schema: { params } }, async ({ params: { id } }) => {
    const calendar = await find(id);
    if (calendar === undefined) throw notFound(`there is no calendar "${id}"`);
    return { ...calendar, marketplace: viewOfAddress(await getAddress(engine.db, id)) };
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
    const isNew = (await getCalendar(engine.db, calendar.id)) === undefined;
    const held = await engine.putCalendar(calendar);
    const state = (await find(calendar.id)) ?? calendar;
    // What is held is not done yet: the answer is the calendar as it still is.
    if (held !== null) return reply.code(202).send({ ...state, held });
    return reply.code(isNew ? 201 : 200).send(state);
  });

  server.delete('/calendars/:id', { schema: { params, querystring: deleting } }, async (request, reply) => {
    const { id } = request.params;
    const became = await engine.deleteCalendar(id, { leave: request.query.leave === 'true' });
    if (became === undefined) throw notFound(`there is no calendar "${id}"`);
    if (became === 'deleted') return reply.code(204).send();
    // It may be gone by now.
    return reply.code(202).send((await find(id)) ?? { id, state: 'closing' });
  });
};
