// Whether a calendar can be booked online at all. Contract: Resources, Calendars.
import { Refusal } from '../http/answer.js';
import type { Operation } from '../http/operation.js';
import type { Calendar } from '../market/calendar.js';
import { ADDRESS } from './paths.js';
import { assertCommercial, editablePlaceOf, madeCalendar, placeOf } from './read.js';

const getCalendar: Operation = {
  name: 'getCalendar',
  method: 'GET',
  path: `${ADDRESS}/calendar`,
  handle: (call) => status(madeCalendar(placeOf(call))),
};

const enableCalendar: Operation = {
  name: 'enableCalendar',
  method: 'POST',
  path: `${ADDRESS}/calendar/enable`,
  handle: (call) => {
    const place = editablePlaceOf(call);
    const { calendar, address } = place;
    if (address.active === false) throw new Refusal(400, 'The address is disabled.');
    assertCommercial(place);
    if (calendar.status === 'enabled') throw new Refusal(409, 'The calendar is already enabled.');
    calendar.remember(call.now);
    calendar.status = 'enabled';
    return status(calendar);
  },
};

const disableCalendar: Operation = {
  name: 'disableCalendar',
  method: 'POST',
  path: `${ADDRESS}/calendar/disable`,
  handle: (call) => {
    const { calendar } = editablePlaceOf(call);
    if (calendar.status === 'disabled') throw new Refusal(409, 'The calendar is already disabled.');
    calendar.remember(call.now);
    calendar.status = 'disabled';
    return status(calendar);
  },
};

export const calendarOperations: readonly Operation[] = [getCalendar, enableCalendar, disableCalendar];

function status({ status }: Calendar) {
  return { status: 200, body: { status } };
}
