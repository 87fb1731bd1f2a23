/** The account has no request left just now. Not a failure: the work waits until there is one. */
export class BudgetSpentError extends Error {
  override readonly name = 'BudgetSpentError';
  readonly account: string;
  /** When to ask again, in epoch milliseconds. */
  readonly until: number;

  constructor(account: string, until: number, reason: string) {
    super(`account ${account}: ${reason} until ${new Date(until).toISOString()}`);
    this.account = account;
    this.until = until;
  }
}
