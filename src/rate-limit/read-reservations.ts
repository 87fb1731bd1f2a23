/**
 * Reservations of an account's reads. While the reads are exhausted, each caller gets a time of its own, as far apart as the
 * limits allow, so that callers neither poll nor retry all at the same moment.
 */

interface Reservations {
  /** Until when no read is granted, in epoch milliseconds. */
  readonly exhaustedUntil: number;
  /** The last time that was reserved, in epoch milliseconds. */
  readonly last: number;
  readonly spacingMs: number;
}

export class ReadReservations {
  readonly #byAccount = new Map<string, Reservations>();

  /**
   * Called by a caller whose reads were denied until then.
   * @returns when the caller may try again, in epoch milliseconds
   */
  reserveAfter(account: string, until: number, spacingMs: number): number {
    const last = this.#byAccount.get(account)?.last ?? Number.NEGATIVE_INFINITY;
    const reserved = Math.max(until, last + spacingMs);
    this.#byAccount.set(account, { exhaustedUntil: until, last: reserved, spacingMs });
    return reserved;
  }

  /** @returns when one more caller may try; undefined where the reads are not known to be exhausted */
  reserveNext(account: string, now: number): number | undefined {
    const known = this.#byAccount.get(account);
    if (known === undefined || known.exhaustedUntil <= now) return undefined;
    return this.reserveAfter(account, known.exhaustedUntil, known.spacingMs);
  }
}
