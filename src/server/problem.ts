/** Errors as RFC 9457 problem+json. */
import type { FastifyReply } from 'fastify';

export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  /** The problems of the request, each with its path. */
  readonly errors?: readonly { readonly path: string; readonly reason: string }[];
}

/** A route throws it to respond with a problem. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

export const notFound = (detail: string): ProblemError =>
  new ProblemError({ status: 404, title: 'Not found', detail });

export const conflict = (detail: string): ProblemError =>
  new ProblemError({ status: 409, title: 'Conflict', detail });

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify({ type: 'about:blank', ...problem }));
}
