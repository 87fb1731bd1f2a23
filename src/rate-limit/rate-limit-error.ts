/** The account has no request left just now. Not a failure: the work waits until there is one. */
export class RateLimitError extends Error {
  override readonly name = 'RateLimitError';
  readonly account: string;
  /** When to ask again, in epoch milliseconds. */
  readonly until: number;
  /** Of what it was refused to, where that counts: see core's `urgency`. */
  readonly priority: number | undefined;

  constructor(account: string, until: number, reason: string, priority?: number) {
    super(`account ${account}: ${reason} until ${new Date(until).toISOString()}`);
    this.account = account;
    this.until = until;
    this.priority = priority;
  }
}
