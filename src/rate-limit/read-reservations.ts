/**
 * Turns of those who wait for readings of an account: one after another, as far apart as its budget lets them be, so that
 * they neither ask again and again nor all at the same moment.
 */

interface Line {
  /** Until when there is nothing for anybody, in epoch milliseconds. */
  readonly spentUntil: number;
  /** The last turn that was given out, in epoch milliseconds. */
  readonly last: number;
  readonly apartMs: number;
}

export class ReadReservations {
  /** By account. */
  readonly #lines = new Map<string, Line>();

  /**
   * It is known to be spent until then.
   * @returns when it is the turn of whoever found that out, in epoch milliseconds
   */
  spent(account: string, until: number, apartMs: number): number {
    const last = this.#lines.get(account)?.last ?? Number.NEGATIVE_INFINITY;
    const turn = Math.max(until, last + apartMs);
    this.#lines.set(account, { spentUntil: until, last: turn, apartMs });
    return turn;
  }

  /** The turn of one more who asks while it is known to be spent; undefined where it may be asked for. */
  next(account: string, now: number): number | undefined {
    const line = this.#lines.get(account);
    if (line === undefined || line.spentUntil <= now) return undefined;
    return this.spent(account, line.spentUntil, line.apartMs);
  }
}
