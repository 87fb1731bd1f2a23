// The slots of an address: read the bookable starts, replace the work periods, clear a date. Contract: Resources.
import { addressKey } from '../address.js';
import { payloadDigest } from '../canonical.js';
import { type Answer, ERROR_TYPE, Refusal } from '../http/answer.js';
import type { Call, Operation } from '../http/operation.js';
import type { Calendar } from '../market/calendar.js';
import type { BookableStart } from '../market/starts.js';
import { writtenService } from '../serialize.js';
import { isDate, parseWritten } from '../zone.js';
import { ADDRESS } from './paths.js';
import {
  assertCommercial,
  editablePlaceOf,
  invalid,
  type Place,
  param,
  placeOf,
  rangeIn,
  scopesOf,
} from './read.js';
import { readReplacement } from './slots-body.js';

const MAX_RANGE_MS = 180 * 24 * 60 * 60_000;
/** A range of 180 local days is an hour longer where the clock goes back in it. */
const CLOCK_CHANGE_MS = 60 * 60_000;

const getSlots: Operation = {
  name: 'getSlots',
  method: 'GET',
  path: `${ADDRESS}/slots`,
  handle: (call) => {
    const place = placeOf(call);
    const range = rangeIn(call, 'start', 'end');
    if (range.end - range.start > MAX_RANGE_MS + CLOCK_CHANGE_MS) {
      throw invalid('end', 'The range should not be longer than 180 days.');
    }
    const starts = place.calendar.shownStarts(range, call.now);
    if (starts.length === 0) throw new Refusal(404, 'No slots found.');
    const withServices = scopesOf(call).has('slot.services');
    return {
      status: 200,
      body: { _items: starts.map((start) => written(start, call, place, withServices)) },
    };
  },
};

const replaceSlots: Operation = {
  name: 'replaceSlots',
  method: 'PUT',
  path: `${ADDRESS}/slots`,
  admit: (call) => {
    const { ref } = editablePlaceOf(call);
    const payload = `${addressKey(ref)} ${payloadDigest(call.body.json())}`;
    const admission = call.market.duplicates.admit(payload, call.now);
    switch (admission.state) {
      case 'new':
        return { processing: admission.processing };
      case 'repeated':
        return { answer: REPLACED, ignored: true };
      case 'in-process':
        return { answer: STILL_PROCESSED, ignored: false };
    }
  },
  handle: (call) => {
    const place = editablePlaceOf(call);
    assertCommercial(place);
    const replacement = readReplacement(call, place);
    place.calendar.remember(call.now);
    place.calendar.make();
    place.calendar.schedule.replace(replacement);
    return REPLACED;
  },
};

const deleteSlots: Operation = {
  name: 'deleteSlots',
  method: 'DELETE',
  path: `${ADDRESS}/slots/:date`,
  handle: (call) => {
    const { calendar } = editablePlaceOf(call);
    const date = dateIn(param(call, 'date'), calendar);
    if (date === undefined) throw invalid('date', 'This value is not a valid date.');
    calendar.remember(call.now);
    calendar.schedule.clear(date);
    return { status: 204 };
  },
};

const REPLACED: Answer = { status: 201 };
const STILL_PROCESSED: Answer = {
  status: 429,
  headers: { 'content-type': ERROR_TYPE },
  body: { errors: [], message: 'The same request is still being processed.' },
};

/** A date, or the local date of an instant, as the official client sends it. */
function dateIn(text: string, { zone }: Calendar): string | undefined {
  if (isDate(text)) return text;
  const instant = parseWritten(text);
  return instant === undefined ? undefined : zone.dateOf(instant);
}

function written(
  { start, services }: BookableStart,
  call: Call,
  { calendar, address }: Place,
  full: boolean,
) {
  const item = { start: calendar.zone.format(start) };
  if (!full) return item;
  const _items = services.map((id) => writtenService(call.market.directory.service(address, id) ?? { id }));
  return { ...item, address_services: { _items } };
}

export const slotOperations: readonly Operation[] = [getSlots, replaceSlots, deleteSlots];
