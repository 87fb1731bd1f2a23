// The operations that read, enable and disable a calendar. Contract: Resources, Calendars.

import type { Operation } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import type { Calendar } from '../market/calendar.js';
import { ADDRESS } from './paths.js';
import { assertCommercial, requireCalendar, resolveEditableTarget, resolveTarget } from './request.js';

const getCalendar: Operation = {
  name: 'getCalendar',
  method: 'GET',
  path: `${ADDRESS}/calendar`,
  handle: (call) => statusResponse(requireCalendar(resolveTarget(call))),
};

const enableCalendar: Operation = {
  name: 'enableCalendar',
  method: 'POST',
  path: `${ADDRESS}/calendar/enable`,
  handle: (call) => {
    const target = resolveEditableTarget(call);
    const { calendar, address } = target;
    if (address.active === false) throw new ApiError(400, 'The address is disabled.');
    assertCommercial(target);
    if (calendar.status === 'enabled') throw new ApiError(409, 'The calendar is already enabled.');
    calendar.saveState(call.now);
    calendar.status = 'enabled';
    return statusResponse(calendar);
  },
};

const disableCalendar: Operation = {
  name: 'disableCalendar',
  method: 'POST',
  path: `${ADDRESS}/calendar/disable`,
  handle: (call) => {
    const { calendar } = resolveEditableTarget(call);
    if (calendar.status === 'disabled') throw new ApiError(409, 'The calendar is already disabled.');
    calendar.saveState(call.now);
    calendar.status = 'disabled';
    return statusResponse(calendar);
  },
};

export const calendarOperations: readonly Operation[] = [getCalendar, enableCalendar, disableCalendar];

function statusResponse({ status }: Calendar) {
  return { status: 200, body: { status } };
}
