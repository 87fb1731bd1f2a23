/**
 * How long after it was let through a request can still be on its way, in milliseconds: another token comes first, and what is
 * written down before it is sent takes its time.
 */
export const inFlightMs = (requestTimeoutMs: number): number => 2 * requestTimeoutMs + 3_000;
