// The list of all operations in the contract's table, and the operation that answers 404 for all other paths.

import type { Operation } from '../http/operation.js';
import { ApiError } from '../http/response.js';
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
    throw new ApiError(404, 'Not found.');
  },
};
