// Maps an answer that is not a success to the typed error that a caller can act on. Contract: Errors.

import { createTextFilter } from '../lib/text-filter.js';
import { ConflictError } from './errors/conflict-error.js';
import {
  type DocplannerError,
  type ErrorContext,
  type ErrorDetails,
  type MarketplaceErrors,
  tokenOperation,
} from './errors/docplanner-error.js';
import { FirewallError } from './errors/firewall-error.js';
import { ForbiddenError } from './errors/forbidden-error.js';
import { InvalidRequestError } from './errors/invalid-request-error.js';
import { NotFoundError } from './errors/not-found-error.js';
import { RateLimitedError } from './errors/rate-limited-error.js';
import { ServerError } from './errors/server-error.js';
import { UnauthorizedError } from './errors/unauthorized-error.js';
import { UnexpectedAnswerError } from './errors/unexpected-answer-error.js';
import { UnprocessableError } from './errors/unprocessable-error.js';
import { rateLimitOf, retryAfterMsOf } from './rate-limit.js';
import type { Answer } from './transport.js';

const MAX_ERRORS = 200;

/** @param hide texts that the answer may echo and that must not appear in an error: secrets and patient data */
export function createAnswerError(
  context: ErrorContext,
  answer: Answer,
  now: number,
  hide: readonly string[],
): DocplannerError {
  const { status } = answer;
  const clean = createTextFilter({ secrets: hide, path: context.path });
  const details = parseDetails(context, answer, now, clean);
  const page = isPage(answer);
  if ((status === 403 || status === 405) && page) return new FirewallError(context, details);
  if (status >= 500) return new ServerError(context, details);
  if (status >= 300 && status < 400) return createRedirectError(context, answer, details, clean);
  // A page does not come from the API, so its status does not describe the requested resource.
  if (page && status !== 401 && status !== 429) {
    return new UnexpectedAnswerError(context, `answered ${status} with a page`, details);
  }
  switch (status) {
    case 400:
      return new InvalidRequestError(context, details);
    case 401:
      return new UnauthorizedError(context, details);
    case 403:
      return new ForbiddenError(context, details);
    case 404:
      return new NotFoundError(context, details);
    case 409:
      return new ConflictError(context, details);
    case 422:
      return new UnprocessableError(context, details);
    case 429:
      return new RateLimitedError(context, details, rateLimitOf(answer));
    default:
      return new UnexpectedAnswerError(context, `answered ${status}`, details);
  }
}

/** True for an HTML answer, which does not come from the API. */
export function isPage({ headers, body }: Answer): boolean {
  const type = headers['content-type'];
  return (typeof type === 'string' && type.includes('text/html')) || /^\s*</.test(body.slice(0, 100));
}

function createRedirectError(
  context: ErrorContext,
  answer: Answer,
  details: ErrorDetails,
  clean: (text: string) => string,
): UnexpectedAnswerError {
  const { location } = answer.headers;
  const host = typeof location === 'string' && URL.canParse(location) ? new URL(location).host : undefined;
  const to = host === undefined ? 'elsewhere' : `to the host ${clean(host)}`;
  const what = `was redirected ${to} (${answer.status}), which is not followed: the base URL must name the www. host`;
  return new UnexpectedAnswerError(context, what, details);
}

function parseDetails(
  context: ErrorContext,
  answer: Answer,
  now: number,
  clean: (text: string) => string,
): ErrorDetails {
  const body = isPage(answer) ? undefined : parseObject(answer.body);
  const isToken = context.operation === tokenOperation;
  const message = body && (isToken ? parseOauthMessage(body) : body.message);
  return {
    status: answer.status,
    marketplaceMessage: typeof message === 'string' ? clean(message) : undefined,
    errors: body === undefined || isToken ? undefined : parseErrors(body.errors, clean),
    retryAfterMs: retryAfterMsOf(answer, now),
  };
}

/**
 * The message of a failed token request, only when it has an OAuth error code (RFC 6749, 5.2). Any other text may come from
 * another server and must not be shown.
 */
function parseOauthMessage({ error, error_description }: Record<string, unknown>): unknown {
  if (typeof error !== 'string' || !OAUTH_ERRORS.includes(error)) return undefined;
  return typeof error_description === 'string' ? error_description : error;
}

const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
];

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // The status decides the error; the body is optional.
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Flattens nested objects into dotted names: `{"slots":{"1":{"end":[...]}}}` becomes `slots.1.end`. */
function parseErrors(errors: unknown, clean: (text: string) => string): MarketplaceErrors {
  const found = new Map<string, string[]>();
  const walk = (value: unknown, name: string, depth: number): void => {
    if (found.size >= MAX_ERRORS || depth > 6) return;
    if (typeof value === 'string') {
      const key = clean(name);
      found.set(key, [...(found.get(key) ?? []), clean(value)].slice(0, 5));
    } else if (Array.isArray(value) && value.every((reason) => typeof reason === 'string')) {
      for (const reason of value.slice(0, 5)) walk(reason, name, depth);
    } else if (isObject(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, name ? `${name}.${key}` : key, depth + 1);
    }
  };
  walk(errors, '', 0);
  return Object.fromEntries(found);
}
