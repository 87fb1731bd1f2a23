/** Failures and the operations on them, in this process or over HTTP. */

/** One failure. `retry` and `drop` take its `id`. */
export type Failure =
  | {
      readonly kind: 'day';
      readonly id: string;
      readonly calendar: string;
      readonly date: string;
      readonly reason: string;
      /** When the day is retried, ISO 8601. */
      readonly retryAt: string | null;
      /** How busy time of the day was closed nevertheless; null where every way was refused, absent where none had to be closed. */
      readonly closedBy?: 'slots' | 'break' | 'clear' | null;
      /** The bookable starts that were sent, and those that the marketplace shows, where they differ. */
      readonly expected?: readonly string[];
      readonly shown?: readonly string[];
    }
  | {
      readonly kind: 'calendar';
      readonly id: string;
      readonly calendar: string;
      readonly reason: string;
      /** Since when the calendar fails, and when it is retried, ISO 8601. */
      readonly since: string;
      readonly retryAt: string | null;
    }
  /** A notification that could not be delivered to the clinic, or not be parsed; `name` is its type. */
  | {
      readonly kind: 'notification';
      readonly id: string;
      readonly account: string;
      readonly calendar: string | null;
      readonly name: string;
      readonly reason: string;
    }
  /** An account whose credentials, or all of whose tokens, the marketplace refuses. */
  | {
      readonly kind: 'account';
      readonly id: string;
      readonly account: string;
      readonly reason: string;
      /** ISO 8601. */
      readonly since: string;
    }
  /** A clinic's webhook that did not accept a notification; `count` notifications of the account wait for it. */
  | {
      readonly kind: 'delivery';
      readonly id: string;
      readonly account: string;
      readonly count: number;
      readonly reason: string;
      /** When the delivery is retried, ISO 8601. */
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
  /** An address service that windows name and that the marketplace no longer has, so it is not published. */
  | {
      readonly kind: 'service';
      readonly id: string;
      readonly calendar: string;
      readonly service: string;
      readonly reason: string;
      /** ISO 8601, UTC: when a read of the address first did not contain the service. */
      readonly since: string;
    }
  /** A refused event of the queue; `event` is the event's id. */
  | {
      readonly kind: 'event';
      readonly id: string;
      readonly calendar: string | null;
      readonly event: string | null;
      readonly reason: string;
    };

export interface Resolved {
  readonly done: number;
  /** Ids that name no failure, or no longer. */
  readonly unknown: readonly string[];
}

/** The operations on failures. */
export interface FailuresApi {
  list(): Promise<readonly Failure[]>;
  settle(verb: 'retry' | 'drop', ids: readonly string[], actor?: string): Promise<Resolved>;
}
