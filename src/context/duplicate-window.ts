/** For how long the marketplace ignores a body that it has received. Contract: Duplicates. */
import { MINUTE } from '../core/duration.js';

const THREE_MINUTES = 3 * MINUTE;
const CLOCKS_DIFFER_MS = 30_000;

/**
 * How long a body may not be sent again. The marketplace counts three minutes from the end of its request, this process from
 * before its start, so a request's longest duration is added, with that of a token request before it.
 */
export const duplicateWindowMs = (requestTimeoutMs: number): number =>
  THREE_MINUTES + 2 * requestTimeoutMs + CLOCKS_DIFFER_MS;
