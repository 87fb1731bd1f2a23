import { RateLimitError } from './rate-limit-error.js';

/** The firewall took the account for a bot: until then nothing is sent for it. */
export class CircuitOpenError extends RateLimitError {}
