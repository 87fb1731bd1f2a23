/** What the marketplace refused for good, of one request: asking again changes nothing. Contract: Errors. */
import {
  ConflictError,
  type DocplannerError,
  ForbiddenError,
  InvalidRequestError,
  NotFoundError,
  UnprocessableError,
} from '../docplanner/index.js';

const REFUSALS = [
  [InvalidRequestError, 400],
  [ForbiddenError, 403],
  [NotFoundError, 404],
  [ConflictError, 409],
  [UnprocessableError, 422],
] as const;

export const isPermanentRefusal = (error: unknown): error is DocplannerError =>
  statusOfRefusal(error) !== undefined;

/** @returns undefined for everything else that can go wrong */
export const statusOfRefusal = (error: unknown): number | undefined =>
  REFUSALS.find(([kind]) => error instanceof kind)?.[1];
