// 400: the marketplace rejected the request; the answer often names the invalid entry.

import {
  DocplannerError,
  type ErrorContext,
  type ErrorDetails,
  type MarketplaceErrors,
} from './docplanner-error.js';

/** One invalid entry of the request, by its index in the request. */
export interface InvalidEntry {
  readonly index: number;
  /** The invalid field of the entry, such as `end`; absent when the whole entry is invalid. */
  readonly field?: string;
  readonly reason: string;
}

/** Contract: Errors. `entries` is empty when the answer names no entry. */
export class InvalidRequestError extends DocplannerError {
  override readonly name = 'InvalidRequestError';
  readonly entries: readonly InvalidEntry[];

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, 'was refused as invalid', details);
    this.entries = parseEntries(this.errors);
  }
}

/** `slots[1].end`, `slots.1.end` and `slots[1]` name entry 1. */
const ENTRY_NAME = /^slots(?:\[(\d+)\]|\.(\d+))(?:\.(.+))?$/;

function parseEntries(errors: MarketplaceErrors): InvalidEntry[] {
  return Object.entries(errors).flatMap(([name, reasons]) => {
    const match = ENTRY_NAME.exec(name);
    if (!match) return [];
    const index = Number(match[1] ?? match[2]);
    const field = match[3];
    return [{ index, ...(field === undefined ? {} : { field }), reason: reasons.join('; ') }];
  });
}
