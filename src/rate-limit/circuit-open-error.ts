import { RateLimitError } from './rate-limit-error.js';

/** The account's circuit is open, because its firewall blocked a request: nothing is sent for the account until it closes. */
export class CircuitOpenError extends RateLimitError {}
