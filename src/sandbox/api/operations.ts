// Every operation of the contract's table, and the one that answers for everything else.
import { Refusal } from '../http/answer.js';
import type { Operation } from '../http/operation.js';
import { bookingOperations } from './bookings.js';
import { breakOperations } from './breaks.js';
import { calendarOperations } from './calendar.js';
import { insuranceOperations } from './insurances.js';
import { notificationOperations } from './notifications.js';
import { patientOperations } from './patients.js';
import { resourceOperations } from './resources.js';
import { serviceOperations } from './services.js';
import { slotOperations } from './slots.js';
import { token } from './token.js';

export const operations: readonly Operation[] = [
  token,
  ...resourceOperations,
  ...serviceOperations,
  ...insuranceOperations,
  ...calendarOperations,
  ...slotOperations,
  ...bookingOperations,
  ...patientOperations,
  ...breakOperations,
  ...notificationOperations,
];

export const unknownOperation: Operation = {
  name: 'unknown',
  method: 'GET',
  path: '*',
  handle: () => {
    throw new Refusal(404, 'Not found.');
  },
};
