// No (whole) answer: a timeout, a cut or refused connection, an unknown host, or the caller gave up.

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

const words: Readonly<Record<ConnectionFailure, string>> = {
  timeout: 'got no whole answer in time',
  reset: 'lost its connection',
  dns: 'could not find the host',
  refused: 'was refused a connection',
  unreachable: 'could not reach the host',
  private: 'was not sent: its host has a private address, and network.allowPrivate does not list it',
  tls: 'could not agree on a secure connection',
  protocol: 'got an answer that is not HTTP',
  aborted: 'was aborted by its caller',
  closed: 'was asked of a client that is closed',
  other: 'could not be sent or answered',
};

/**
 * Contract: Errors. There is no idempotency key, so `mayHaveApplied` is what a caller has: true from the moment that a connection
 * stood and the request may have been received, whatever its method.
 */
export class ConnectionError extends DocplannerError {
  override readonly name = 'ConnectionError';
  readonly reason: ConnectionFailure;
  /** The system's code, such as `ECONNRESET`, where there is one. */
  readonly code?: string;
  override readonly mayHaveApplied: boolean;

  constructor(
    context: ErrorContext,
    failure: { reason: ConnectionFailure; mayHaveApplied: boolean; code?: string | undefined },
    details: ErrorDetails = {},
  ) {
    super(
      context,
      `${words[failure.reason]}${failure.code === undefined ? '' : ` (${failure.code})`}`,
      details,
    );
    this.reason = failure.reason;
    this.mayHaveApplied = failure.mayHaveApplied;
    if (failure.code !== undefined) this.code = failure.code;
  }
}
