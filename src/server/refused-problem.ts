/** Converts a refusal of the marketplace to a problem response with its status and reason. Contract: Errors. */
import { InvalidScheduleError } from '../core/index.js';
import { describeProblem } from './http-problem.js';
import { ProblemError } from './problem.js';

/** @throws {ProblemError} where the marketplace or the rate limiter refuses the operation */
export async function withProblems<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof InvalidScheduleError) {
      const errors = [{ path: error.path, reason: error.reason }];
      throw new ProblemError({ status: 400, title: 'Invalid request', errors });
    }
    const problem = describeProblem(error);
    if (problem === undefined) throw error;
    throw new ProblemError({ title: 'The marketplace refused the operation', ...problem });
  }
}
