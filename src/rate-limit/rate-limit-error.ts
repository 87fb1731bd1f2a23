/** The account's rate limiter grants no request now. It is no failure: the work waits until the limiter grants one. */
export class RateLimitError extends Error {
  override readonly name = 'RateLimitError';
  readonly account: string;
  /** When to try again, in epoch milliseconds. */
  readonly until: number;
  /** The priority of the request that was denied, where the limit depends on it. */
  readonly priority: number | undefined;

  constructor(account: string, until: number, reason: string, priority?: number) {
    super(`account ${account}: ${reason} until ${new Date(until).toISOString()}`);
    this.account = account;
    this.until = until;
    this.priority = priority;
  }
}
