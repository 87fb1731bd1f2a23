// The operations of calendar breaks. Contract: Resources, Breaks.
import { z } from 'zod';
import type { Operation, OperationCall } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import { addBreak, moveBreak, removeBreak } from '../market/breaks.js';
import type { Calendar } from '../market/calendar.js';
import { type Interval, overlaps } from '../market/starts.js';
import { serializeBreak } from '../serialize.js';
import { parseApiInstant } from '../zone.js';
import { ADDRESS } from './paths.js';
import {
  assertCommercial,
  type CalendarTarget,
  instantSchema,
  parseBody,
  parseRange,
  requireCalendar,
  requireParam,
  resolveEditableTarget,
  resolveTarget,
} from './request.js';

const rangeSchema = z.object({ since: instantSchema, till: instantSchema });
const breakSchema = rangeSchema.extend({
  description: z.string('The description should be text.').nullish(),
  apply_on_coupled_addresses: z.boolean('This value should be a boolean.').nullish(),
});

const getCalendarBreaks: Operation = {
  name: 'getCalendarBreaks',
  method: 'GET',
  path: `${ADDRESS}/breaks`,
  handle: (call) => {
    const calendar = requireCalendar(resolveTarget(call));
    const range = parseBreakRange(call);
    const _items = [...calendar.breaks.values()]
      .filter((one) => overlaps(one, range))
      .sort((a, b) => a.start - b.start || Number(a.id) - Number(b.id))
      .map((one) => serializeBreak(one, calendar.zone));
    return { status: 200, body: { _items } };
  },
};

const getCalendarBreak: Operation = {
  name: 'getCalendarBreak',
  method: 'GET',
  path: `${ADDRESS}/breaks/:breakId`,
  handle: (call) => {
    const calendar = requireCalendar(resolveTarget(call));
    const one = calendar.breaks.get(requireParam(call, 'breakId'));
    if (one === undefined) throw breakNotFound();
    return { status: 200, body: serializeBreak(one, calendar.zone) };
  },
};

const addCalendarBreak: Operation = {
  name: 'addCalendarBreak',
  method: 'POST',
  path: `${ADDRESS}/breaks`,
  handle: (call) => {
    const target = resolveEditableTarget(call);
    assertCommercial(target);
    const body = parseBody(breakSchema, call);
    const request = {
      start: body.since,
      end: body.till,
      description: body.description ?? '',
      coupled: body.apply_on_coupled_addresses === true ? listCoupledCalendars(call, target) : [],
      by: 'integration',
    } as const;
    const outcome = addBreak(call.market, target.calendar, request, call.now);
    if (!outcome.ok)
      throw outcome.reason === 'range' ? invalidRange() : new ApiError(409, 'This break already exists.');
    const location = `${call.path}/${outcome.made.id}`;
    return { status: 201, headers: { location }, body: serializeBreak(outcome.made, target.calendar.zone) };
  },
};

const moveCalendarBreak: Operation = {
  name: 'moveCalendarBreak',
  method: 'PATCH',
  path: `${ADDRESS}/breaks/:breakId`,
  handle: (call) => {
    const { calendar } = resolveEditableTarget(call);
    const { since, till } = parseBody(rangeSchema, call);
    const range = { start: since, end: till, by: 'integration' } as const;
    const outcome = moveBreak(call.market, calendar, requireParam(call, 'breakId'), range, call.now);
    if (outcome.ok) return { status: 204 };
    switch (outcome.reason) {
      case 'unknown':
        throw breakNotFound();
      case 'range':
        throw invalidRange();
      case 'same':
        throw new ApiError(422, 'The break already has this range.');
    }
  },
};

const deleteCalendarBreak: Operation = {
  name: 'deleteCalendarBreak',
  method: 'DELETE',
  path: `${ADDRESS}/breaks/:breakId`,
  handle: (call) => {
    const { calendar } = resolveEditableTarget(call);
    if (!removeBreak(call.market, calendar, requireParam(call, 'breakId'), 'integration', call.now))
      throw breakNotFound();
    return { status: 204 };
  },
};

export const breakOperations: readonly Operation[] = [
  getCalendarBreaks,
  getCalendarBreak,
  addCalendarBreak,
  moveCalendarBreak,
  deleteCalendarBreak,
];

/** An invalid instant is 404 here, as in the official document. */
function parseBreakRange(call: OperationCall): Interval {
  for (const name of ['since', 'till']) {
    if (parseApiInstant(call.query.get(name) ?? '') === undefined)
      throw new ApiError(404, 'Invalid date given.');
  }
  return parseRange(call, 'since', 'till');
}

function breakNotFound(): ApiError {
  return new ApiError(404, 'Break not found.');
}

function invalidRange(): ApiError {
  return new ApiError(422, 'The range is invalid: till should be later than since.');
}

function listCoupledCalendars(call: OperationCall, { ref, address }: CalendarTarget): readonly Calendar[] {
  return (address.coupledWith ?? []).flatMap(
    (addressId) => call.market.resolveCalendar({ ...ref, addressId }) ?? [],
  );
}
