/** What failed, as callers see it, in this process or over HTTP. */

/** One thing that failed. Its `id` is what `retry` and `drop` take. */
export type Failure =
  | {
      readonly kind: 'day';
      readonly id: string;
      readonly calendar: string;
      readonly date: string;
      readonly reason: string;
      /** When it is tried again, ISO 8601. */
      readonly retryAt: string | null;
      /** How taken time of it was closed all the same; null where every way was refused, absent where none had to be closed. */
      readonly closedBy?: 'slots' | 'break' | 'clear' | null;
      /** The bookable starts that were sent, and those that the marketplace shows, where that is what is wrong. */
      readonly expected?: readonly string[];
      readonly shown?: readonly string[];
    }
  | {
      readonly kind: 'calendar';
      readonly id: string;
      readonly calendar: string;
      readonly reason: string;
      /** Since when, and when it is tried again, ISO 8601. */
      readonly since: string;
      readonly retryAt: string | null;
    }
  /** What the marketplace said, and could not be brought to the clinic or not be read; `name` is what kind of it. */
  | {
      readonly kind: 'notification';
      readonly id: string;
      readonly account: string;
      readonly calendar: string | null;
      readonly name: string;
      readonly reason: string;
    }
  /** An account of which the marketplace accepts nothing: its credentials, or each token that it is given, are refused. */
  | {
      readonly kind: 'account';
      readonly id: string;
      readonly account: string;
      readonly reason: string;
      /** ISO 8601. */
      readonly since: string;
    }
  /** A clinic's webhook that did not take what it was sent: so many notifications of the account wait for it. */
  | {
      readonly kind: 'delivery';
      readonly id: string;
      readonly account: string;
      readonly count: number;
      readonly reason: string;
      /** When it is tried again, ISO 8601. */
      readonly retryAt: string;
    }
  /** A booking that the marketplace would not move or cancel with its appointment. */
  | {
      readonly kind: 'booking';
      readonly id: string;
      readonly calendar: string;
      readonly booking: string;
      readonly reason: string;
    }
  /** An address service that windows name and that the marketplace no longer has: it is left out of what is on sale. */
  | {
      readonly kind: 'service';
      readonly id: string;
      readonly calendar: string;
      readonly service: string;
      readonly reason: string;
      /** ISO 8601, UTC: when a reading of the address was first without it. */
      readonly since: string;
    }
  /** An event of the queue that was refused; `event` is its own id. */
  | {
      readonly kind: 'event';
      readonly id: string;
      readonly calendar: string | null;
      readonly event: string | null;
      readonly reason: string;
    };

export interface Resolved {
  readonly done: number;
  /** Ids under which nothing failed, or no longer. */
  readonly unknown: readonly string[];
}

/** What can be done about failures, here or over HTTP. */
export interface FailuresApi {
  list(): Promise<readonly Failure[]>;
  settle(verb: 'retry' | 'drop', ids: readonly string[]): Promise<Resolved>;
}
