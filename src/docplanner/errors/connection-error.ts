// No complete answer: a timeout, a cut or refused connection, an unknown host, or an abort by the caller.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

export type ConnectionFailure =
  | 'timeout'
  | 'reset'
  | 'dns'
  | 'refused'
  | 'unreachable'
  | 'private'
  | 'tls'
  | 'protocol'
  | 'aborted'
  | 'closed'
  | 'other';

const DESCRIPTIONS: Readonly<Record<ConnectionFailure, string>> = {
  timeout: 'got no complete answer in time',
  reset: 'lost its connection',
  dns: 'could not find the host',
  refused: 'was refused a connection',
  unreachable: 'could not reach the host',
  private: 'was not sent: its host has a private address, and network.allowPrivate does not list it',
  tls: 'could not agree on a secure connection',
  protocol: 'got an answer that is not HTTP',
  aborted: 'was aborted by its caller',
  closed: 'was called on a closed client',
  other: 'could not be sent or answered',
};

/**
 * Contract: Errors. The API has no idempotency key, so callers rely on `mayHaveApplied`: true for every method once a connection was
 * established, because the marketplace may have received the request.
 */
export class ConnectionError extends DocplannerError {
  override readonly name = 'ConnectionError';
  readonly reason: ConnectionFailure;
  /** The system's error code, such as `ECONNRESET`, if there is one. */
  readonly code?: string;
  override readonly mayHaveApplied: boolean;

  constructor(
    context: ErrorContext,
    failure: { reason: ConnectionFailure; mayHaveApplied: boolean; code?: string | undefined },
    details: ErrorDetails = {},
  ) {
    super(
      context,
      `${DESCRIPTIONS[failure.reason]}${failure.code === undefined ? '' : ` (${failure.code})`}`,
      details,
    );
    this.reason = failure.reason;
    this.mayHaveApplied = failure.mayHaveApplied;
    if (failure.code !== undefined) this.code = failure.code;
  }
}
