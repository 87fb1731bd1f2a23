// From an answer that is not a success to the error that says what a caller can do about it. Contract: Errors.

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

const maxErrors = 200;

/** `hide` lists texts that the answer may echo and that must not appear in an error: secrets, and what a patient gave. */
export function answerError(
  context: ErrorContext,
  answer: Answer,
  now: number,
  hide: readonly string[],
): DocplannerError {
  const { status } = answer;
  const clean = createTextFilter({ secrets: hide, path: context.path });
  const details = detailsOf(context, answer, now, clean);
  const page = isPage(answer);
  if ((status === 403 || status === 405) && page) return new FirewallError(context, details);
  if (status >= 500) return new ServerError(context, details);
  if (status >= 300 && status < 400) return redirectError(context, answer, details, clean);
  // A page that is not the API's says nothing about the thing that was asked for.
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

/** True for an HTML answer: something other than the API has spoken. */
export function isPage({ headers, body }: Answer): boolean {
  const type = headers['content-type'];
  return (typeof type === 'string' && type.includes('text/html')) || /^\s*</.test(body.slice(0, 100));
}

function redirectError(
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

function detailsOf(
  context: ErrorContext,
  answer: Answer,
  now: number,
  clean: (text: string) => string,
): ErrorDetails {
  const said = isPage(answer) ? undefined : objectOf(answer.body);
  const isToken = context.operation === tokenOperation;
  const message = said && (isToken ? oauthMessageOf(said) : said.message);
  return {
    status: answer.status,
    marketplaceMessage: typeof message === 'string' ? clean(message) : undefined,
    errors: said === undefined || isToken ? undefined : errorsOf(said.errors, clean),
    retryAfterMs: retryAfterMsOf(answer, now),
  };
}

/**
 * What grants no token may be any server, whose text is nobody's to see. The marketplace says by one of the codes of OAuth
 * why it grants none: RFC 6749, 5.2.
 */
function oauthMessageOf({ error, error_description }: Record<string, unknown>): unknown {
  if (typeof error !== 'string' || !oauthErrors.includes(error)) return undefined;
  return typeof error_description === 'string' ? error_description : error;
}

const oauthErrors = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
];

function objectOf(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // The status is what counts; an unreadable explanation explains nothing.
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Nested objects become dotted names, so that `{"slots":{"1":{"end":[…]}}}` reads `slots.1.end`. */
function errorsOf(errors: unknown, clean: (text: string) => string): MarketplaceErrors {
  const found = new Map<string, string[]>();
  const walk = (value: unknown, name: string, depth: number): void => {
    if (found.size >= maxErrors || depth > 6) return;
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
