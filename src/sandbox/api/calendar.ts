// Whether a calendar can be booked online at all. Contract: Resources, getCalendar, enableCalendar, disableCalendar.
import { Refusal } from '../http/answer.js';
import type { Operation } from '../http/operation.js';
import { ADDRESS } from './paths.js';
import { editablePlaceOf, placeOf } from './read.js';

const getCalendar: Operation = {
  name: 'getCalendar',
  method: 'GET',
  path: `${ADDRESS}/calendar`,
  handle: (call) => status(placeOf(call).calendar.enabled),
};

const enableCalendar: Operation = {
  name: 'enableCalendar',
  method: 'POST',
  path: `${ADDRESS}/calendar/enable`,
  handle: (call) => {
    const { calendar, address } = editablePlaceOf(call);
    if (address.active === false) throw new Refusal(400, 'The address is disabled.');
    if (address.commercial === false) throw new Refusal(422, 'The address is not commercial.');
    if (calendar.enabled) throw new Refusal(409, 'The calendar is already enabled.');
    calendar.enabled = true;
    return status(true);
  },
};

const disableCalendar: Operation = {
  name: 'disableCalendar',
  method: 'POST',
  path: `${ADDRESS}/calendar/disable`,
  handle: (call) => {
    const { calendar, address } = editablePlaceOf(call);
    if (address.active === false) throw new Refusal(400, 'The address is disabled.');
    if (address.commercial === false) throw new Refusal(422, 'The address is not commercial.');
    if (!calendar.enabled) throw new Refusal(409, 'The calendar is already disabled.');
    calendar.enabled = false;
    return status(false);
  },
};

export const calendarOperations: readonly Operation[] = [getCalendar, enableCalendar, disableCalendar];

function status(enabled: boolean) {
  return { status: 200, body: { status: enabled ? 'enabled' : 'disabled' } };
}
