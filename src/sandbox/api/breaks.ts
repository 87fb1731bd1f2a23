// Calendar breaks as the integration sees them. Contract: Resources, Breaks.
import { z } from 'zod';
import { Refusal } from '../http/answer.js';
import type { Call, Operation } from '../http/operation.js';
import { addBreak, moveBreak, removeBreak } from '../market/breaks.js';
import type { Calendar } from '../market/calendar.js';
import { type Interval, overlaps } from '../market/starts.js';
import { writtenBreak } from '../serialize.js';
import { parseWritten } from '../zone.js';
import { ADDRESS } from './paths.js';
import {
  assertCommercial,
  bodyAs,
  editablePlaceOf,
  instantSchema,
  madeCalendar,
  type Place,
  param,
  placeOf,
  rangeIn,
} from './read.js';

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
    const calendar = madeCalendar(placeOf(call));
    const range = breakRangeIn(call);
    const _items = [...calendar.breaks.values()]
      .filter((one) => overlaps(one, range))
      .sort((a, b) => a.start - b.start || Number(a.id) - Number(b.id))
      .map((one) => writtenBreak(one, calendar.zone));
    return { status: 200, body: { _items } };
  },
};

const getCalendarBreak: Operation = {
  name: 'getCalendarBreak',
  method: 'GET',
  path: `${ADDRESS}/breaks/:breakId`,
  handle: (call) => {
    const calendar = madeCalendar(placeOf(call));
    const one = calendar.breaks.get(param(call, 'breakId'));
    if (one === undefined) throw gone();
    return { status: 200, body: writtenBreak(one, calendar.zone) };
  },
};

const addCalendarBreak: Operation = {
  name: 'addCalendarBreak',
  method: 'POST',
  path: `${ADDRESS}/breaks`,
  handle: (call) => {
    const place = editablePlaceOf(call);
    assertCommercial(place);
    const body = bodyAs(breakSchema, call);
    const request = {
      start: body.since,
      end: body.till,
      description: body.description ?? '',
      coupled: body.apply_on_coupled_addresses === true ? coupledWith(call, place) : [],
      by: 'integration',
    } as const;
    const outcome = addBreak(call.market, place.calendar, request, call.now);
    if (!outcome.ok)
      throw outcome.reason === 'range' ? badRange() : new Refusal(409, 'This break already exists.');
    const location = `${call.path}/${outcome.made.id}`;
    return { status: 201, headers: { location }, body: writtenBreak(outcome.made, place.calendar.zone) };
  },
};

const moveCalendarBreak: Operation = {
  name: 'moveCalendarBreak',
  method: 'PATCH',
  path: `${ADDRESS}/breaks/:breakId`,
  handle: (call) => {
    const { calendar } = editablePlaceOf(call);
    const { since, till } = bodyAs(rangeSchema, call);
    const range = { start: since, end: till, by: 'integration' } as const;
    const outcome = moveBreak(call.market, calendar, param(call, 'breakId'), range, call.now);
    if (outcome.ok) return { status: 204 };
    switch (outcome.reason) {
      case 'unknown':
        throw gone();
      case 'range':
        throw badRange();
      case 'same':
        throw new Refusal(422, 'The break already has this range.');
    }
  },
};

const deleteCalendarBreak: Operation = {
  name: 'deleteCalendarBreak',
  method: 'DELETE',
  path: `${ADDRESS}/breaks/:breakId`,
  handle: (call) => {
    const { calendar } = editablePlaceOf(call);
    if (!removeBreak(call.market, calendar, param(call, 'breakId'), 'integration', call.now)) throw gone();
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

/** An instant that can not be read is 404 here, as the official document has it. */
function breakRangeIn(call: Call): Interval {
  for (const name of ['since', 'till']) {
    if (parseWritten(call.query.get(name) ?? '') === undefined) throw new Refusal(404, 'Invalid date given.');
  }
  return rangeIn(call, 'since', 'till');
}

function gone(): Refusal {
  return new Refusal(404, 'Break not found.');
}

function badRange(): Refusal {
  return new Refusal(422, 'The range is invalid: till should be later than since.');
}

function coupledWith(call: Call, { ref, address }: Place): readonly Calendar[] {
  return (address.coupledWith ?? []).flatMap(
    (addressId) => call.market.calendar({ ...ref, addressId }) ?? [],
  );
}
