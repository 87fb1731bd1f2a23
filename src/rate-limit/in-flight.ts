/**
 * The longest that a request can be in flight after the rate limiter granted it, in milliseconds: a token may have to be
 * requested first, and what is recorded before the request takes time too.
 */
export const inFlightMs = (requestTimeoutMs: number): number => 2 * requestTimeoutMs + 3_000;
