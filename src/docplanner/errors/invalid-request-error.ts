// 400: the marketplace could not accept what was sent; often it names the entry.

import {
  DocplannerError,
  type ErrorContext,
  type ErrorDetails,
  type MarketplaceErrors,
} from './docplanner-error.js';

/** One entry of the request that the marketplace named, by its index in what was sent. */
export interface InvalidEntry {
  readonly index: number;
  /** What of the entry is wrong, such as `end`; absent when the entry as a whole is. */
  readonly field?: string;
  readonly reason: string;
}

/** Contract: Errors. `entries` is empty when the answer does not say which entry is at fault. */
export class InvalidRequestError extends DocplannerError {
  override readonly name = 'InvalidRequestError';
  readonly entries: readonly InvalidEntry[];

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, 'was refused as invalid', details);
    this.entries = entriesOf(this.errors);
  }
}

/** `slots[1].end`, `slots.1.end` and `slots[1]` name entry 1. */
const entryName = /^slots(?:\[(\d+)\]|\.(\d+))(?:\.(.+))?$/;

function entriesOf(errors: MarketplaceErrors): InvalidEntry[] {
  return Object.entries(errors).flatMap(([name, reasons]) => {
    const match = entryName.exec(name);
    if (!match) return [];
    const index = Number(match[1] ?? match[2]);
    const field = match[3];
    return [{ index, ...(field === undefined ? {} : { field }), reason: reasons.join('; ') }];
  });
}
