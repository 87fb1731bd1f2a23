/** What the marketplace refused, as a problem for whoever asked: with its status, and its reason. Contract: Errors. */
import { InvalidScheduleError } from '../core/index.js';
import { describeProblem } from './http-problem.js';
import { ProblemError } from './problem.js';

/** @throws {ProblemError} where the marketplace, or its budget, is in the way */
export async function refusal<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof InvalidScheduleError) {
      const errors = [{ path: error.path, reason: error.reason }];
      throw new ProblemError({ status: 400, title: 'Invalid request', errors });
    }
    const refused = describeProblem(error);
    if (refused === undefined) throw error;
    throw new ProblemError({ title: 'The marketplace refused it', ...refused });
  }
}
