// Every operation of the contract's table, and the one that answers for everything else.
import { Refusal } from '../http/answer.js';
import type { Operation } from '../http/operation.js';
import { slotOperations } from './slots.js';
import { token } from './token.js';

export const operations: readonly Operation[] = [token, ...slotOperations];

export const unknownOperation: Operation = {
  name: 'unknown',
  method: 'GET',
  path: '*',
  handle: () => {
    throw new Refusal(404, 'Not found.');
  },
};
