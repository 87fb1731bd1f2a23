/** Routes of calendars. */
import { z } from 'zod';
import { calendarSchema, ownId, toCalendar } from '../../config/schema.js';
import { getAccount } from '../../db/tables/accounts.js';
import { type Address, getAddress } from '../../db/tables/address-services.js';
import { type CalendarState, getCalendar, listAllCalendars } from '../../db/tables/calendars.js';
import { findCalendarProgress, NO_PROGRESS } from '../../monitoring/calendar-summaries.js';
import { API_ACTOR } from '../auth.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId });
const deleteQuery = z.object({
  /** Whether the marketplace's availability stays as it is. */
  leave: z.enum(['true', 'false']).optional(),
});

/** The address as it was last read; null where it was never read. */
const viewAddress = (address: Address | undefined) =>
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

const viewFailure = ({ failed }: CalendarState) =>
  failed === undefined ? null : { reason: failed.reason, at: failed.at.toISOString() };

const viewFormer = (former: CalendarState, since: Date) => ({
  id: former.id,
  account: former.account,
  facilityId: former.facilityId,
  doctorId: former.doctorId,
  addressId: former.addressId,
  since: since.toISOString(),
  failed: viewFailure(former),
});

/** @param places all calendars and former addresses */
function viewCalendar(state: CalendarState, places: readonly CalendarState[]) {
  const { failed: _, retrying, closing, ...calendar } = state;
  return {
    ...calendar,
    state: closing === undefined ? 'active' : 'closing',
    ...(closing === undefined ? {} : { closingSince: closing.since.toISOString() }),
    failed: viewFailure(state),
    retrying:
      retrying === undefined
        ? null
        : { reason: retrying.reason, attempts: retrying.attempts, at: retrying.at.toISOString() },
    /** The calendar's former addresses whose availability is being removed. */
    closing: places.flatMap((place) =>
      place.formerOf === calendar.id && place.closing !== undefined
        ? [viewFormer(place, place.closing.since)]
        : [],
    ),
  };
}

export const calendarRoutes: Routes = (server, engine) => {
  const find = async (id: string) => {
    const calendar = await getCalendar(engine.db, id);
    return calendar && viewCalendar(calendar, await listAllCalendars(engine.db));
  };

  server.get('/calendars', async () => {
    const progress = await findCalendarProgress(engine.db, engine.now());
    const places = await listAllCalendars(engine.db);
    return places
      .filter(({ formerOf }) => formerOf === undefined)
      .map((place) => ({ ...viewCalendar(place, places), ...(progress.get(place.id) ?? NO_PROGRESS) }));
  });

  server.get('/calendars/:id', { schema: { params } }, async ({ params: { id } }) => {
    const calendar = await find(id);
    if (calendar === undefined) throw notFound(`there is no calendar "${id}"`);
    return { ...calendar, marketplace: viewAddress(await getAddress(engine.db, id)) };
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
    const held = await engine.putCalendar(calendar, { actor: API_ACTOR });
    const state = (await find(calendar.id)) ?? calendar;
    // A held change is not applied yet, so the response is the unchanged calendar.
    if (held !== null) return reply.code(202).send({ ...state, held });
    return reply.code(isNew ? 201 : 200).send(state);
  });

  server.delete(
    '/calendars/:id',
    { schema: { params, querystring: deleteQuery } },
    async (request, reply) => {
      const { id } = request.params;
      const result = await engine.deleteCalendar(id, {
        leave: request.query.leave === 'true',
        actor: API_ACTOR,
      });
      if (result === undefined) throw notFound(`there is no calendar "${id}"`);
      if (result === 'deleted') return reply.code(204).send();
      // The calendar may be deleted meanwhile.
      return reply.code(202).send((await find(id)) ?? { id, state: 'closing' });
    },
  );
};
