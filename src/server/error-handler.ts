/** Converts errors to problem responses, and logs those that are not the client's fault. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { DiskFullError } from '../db/disk-full-error.js';
import { isUnavailable } from '../db/is-unavailable.js';
import { ServiceUnavailableError } from '../db/service-unavailable-error.js';
import { AddressTakenError } from '../db/tables/address-taken-error.js';
import { InvalidQueryError } from '../monitoring/invalid-query-error.js';
import { isCutOff } from './connections.js';
import { type Problem, ProblemError, sendProblem } from './problem.js';
import { InvalidInputError } from './validator.js';

const CUT_OFF: Problem = { status: 408, title: 'Request timeout' };

export function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = isCutOff(request.raw) ? CUT_OFF : problemOf(error);
  // A full disk is logged once, where it is detected.
  if (problem.status >= 500 && !(error instanceof DiskFullError))
    request.log.error({ err: error }, 'a request failed');
  // The rest of the request is not received.
  if (problem.status === 413) reply.header('connection', 'close');
  if (problem.status === 503) reply.header('retry-after', '5');
  return sendProblem(reply, problem);
}

/** The parts of a request, by fastify's names. */
const PARTS: Readonly<Record<string, string>> = { body: 'body', querystring: 'query', params: 'path' };

const invalidRequest = (part: string | undefined, problems: NonNullable<Problem['errors']>): Problem => ({
  status: 400,
  title: 'Invalid request',
  detail: `the ${PARTS[part ?? ''] ?? 'request'} is invalid`,
  errors: problems.map(({ path, reason }) => ({ path, reason })),
});

function problemOf(error: FastifyError): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof AddressTakenError) return { status: 409, title: 'Conflict', detail: error.message };
  if (error instanceof InvalidInputError) return invalidRequest(error.validationContext, error.problems);
  if (error instanceof InvalidQueryError) return invalidRequest('querystring', [error]);
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return { status: 400, title: 'Invalid request', detail: 'the body is not JSON' };
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { status: 415, title: 'Unsupported media type', detail: 'send application/json' };
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { status: 413, title: 'Content too large', detail: 'send fewer events in one request' };
  }
  if (error instanceof DiskFullError) {
    return {
      status: 503,
      title: 'Service unavailable',
      detail: 'the disk is nearly full; nothing of this request was stored',
    };
  }
  if (error.code === 'ETIMEDOUT') {
    return {
      status: 503,
      title: 'Service unavailable',
      detail:
        'the database did not answer in time; send the request again: what was stored nevertheless is not applied twice',
    };
  }
  if (isUnavailable(error) || error instanceof ServiceUnavailableError) {
    return {
      status: 503,
      title: 'Service unavailable',
      detail: 'the database is unavailable; nothing of this request was stored',
    };
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return { status: error.statusCode, title: 'Invalid request', detail: error.message };
  }
  return { status: 500, title: 'Internal error' };
}
