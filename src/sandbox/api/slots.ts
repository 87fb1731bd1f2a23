// The operations of slots: read the bookable starts, replace the work periods, clear a date. Contract: Resources.
import { addressKey } from '../address.js';
import type { Operation, OperationCall } from '../http/operation.js';
import { ApiError, type ApiResponse, ERROR_TYPE } from '../http/response.js';
import type { Calendar } from '../market/calendar.js';
import type { BookableStart } from '../market/starts.js';
import { payloadDigest } from '../payload-digest.js';
import { serializeService } from '../serialize.js';
import { isDate, parseApiInstant } from '../zone.js';
import { ADDRESS } from './paths.js';
import {
  assertCommercial,
  type CalendarTarget,
  invalidRequest,
  parseRange,
  parseScopes,
  requireParam,
  resolveEditableTarget,
  resolveTarget,
} from './request.js';
import { parseReplacement } from './slots-body.js';

const MAX_RANGE_MS = 180 * 24 * 60 * 60_000;
/** A range of 180 local days is an hour longer when the clock goes back in it. */
const CLOCK_CHANGE_MS = 60 * 60_000;

const getSlots: Operation = {
  name: 'getSlots',
  method: 'GET',
  path: `${ADDRESS}/slots`,
  handle: (call) => {
    const target = resolveTarget(call);
    const range = parseRange(call, 'start', 'end');
    if (range.end - range.start > MAX_RANGE_MS + CLOCK_CHANGE_MS) {
      throw invalidRequest('end', 'The range should not be longer than 180 days.');
    }
    const starts = target.calendar.laggedStarts(range, call.now);
    if (starts.length === 0) throw new ApiError(404, 'No slots found.');
    const withServices = parseScopes(call).has('slot.services');
    return {
      status: 200,
      body: { _items: starts.map((start) => serializeStart(start, call, target, withServices)) },
    };
  },
};

const replaceSlots: Operation = {
  name: 'replaceSlots',
  method: 'PUT',
  path: `${ADDRESS}/slots`,
  admit: (call) => {
    const { ref } = resolveEditableTarget(call);
    const payload = `${addressKey(ref)} ${payloadDigest(call.body.json())}`;
    const admission = call.market.duplicates.admit(payload, call.now);
    switch (admission.state) {
      case 'new':
        return { processing: admission.processing };
      case 'repeated':
        return { answer: REPLACED, ignored: true };
      case 'in-process':
        return { answer: IN_PROCESS, ignored: false };
    }
  },
  handle: (call) => {
    const target = resolveEditableTarget(call);
    assertCommercial(target);
    const replacement = parseReplacement(call, target);
    target.calendar.saveState(call.now);
    target.calendar.ensureExists();
    target.calendar.schedule.replace(replacement);
    return REPLACED;
  },
};

const deleteSlots: Operation = {
  name: 'deleteSlots',
  method: 'DELETE',
  path: `${ADDRESS}/slots/:date`,
  handle: (call) => {
    const { calendar } = resolveEditableTarget(call);
    const date = parseDate(requireParam(call, 'date'), calendar);
    if (date === undefined) throw invalidRequest('date', 'This value is not a valid date.');
    calendar.saveState(call.now);
    calendar.schedule.clear(date);
    return { status: 204 };
  },
};

const REPLACED: ApiResponse = { status: 201 };
const IN_PROCESS: ApiResponse = {
  status: 429,
  headers: { 'content-type': ERROR_TYPE },
  body: { errors: [], message: 'The same request is still being processed.' },
};

/** Parses a date, or an instant, which means its local date, as the official client sends it. */
function parseDate(text: string, { zone }: Calendar): string | undefined {
  if (isDate(text)) return text;
  const instant = parseApiInstant(text);
  return instant === undefined ? undefined : zone.dateOf(instant);
}

function serializeStart(
  { start, services }: BookableStart,
  call: OperationCall,
  { calendar, address }: CalendarTarget,
  full: boolean,
) {
  const item = { start: calendar.zone.format(start) };
  if (!full) return item;
  const _items = services.map((id) =>
    serializeService(call.market.directory.findService(address, id) ?? { id }),
  );
  return { ...item, address_services: { _items } };
}

export const slotOperations: readonly Operation[] = [getSlots, replaceSlots, deleteSlots];
