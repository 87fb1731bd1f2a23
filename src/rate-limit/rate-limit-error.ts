/** The account has no request left just now. Not a failure: the work waits until there is one. */
export class BudgetSpentError extends Error {
  override readonly name = 'BudgetSpentError';
  readonly account: string;
  /** When to ask again, in epoch milliseconds. */
  readonly until: number;
  /** Of what it was refused to, where that counts: see core's `urgency`. */
  readonly urgency: number | undefined;

  constructor(account: string, until: number, reason: string, urgency?: number) {
    super(`account ${account}: ${reason} until ${new Date(until).toISOString()}`);
    this.account = account;
    this.until = until;
    this.urgency = urgency;
  }
}
