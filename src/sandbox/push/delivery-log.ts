// The log of pushes and approval requests and their outcomes, in the order of sending. It retains the newest and never contains
// patient data or a secret.

export interface DeliveryRecord {
  /** 1 for the first attempt since the start or the last reset. */
  readonly n: number;
  readonly client: string;
  /** The name of the notification, such as `slot-booked`. */
  readonly name: string;
  /** The booking of the notification; the new booking for a move. */
  readonly bookingId: string | undefined;
  /** 1 for the first attempt to deliver this notification. */
  readonly attempt: number;
  /** The HTTP status; undefined before the response, and when there was none. */
  readonly status: number | undefined;
  /** When the attempt was sent, in epoch milliseconds of the sandbox's clock. */
  readonly at: number;
  /** When the attempt was answered, timed out or cut; undefined until then. */
  readonly endedAt: number | undefined;
}

export class DeliveryLog {
  readonly #records: DeliveryRecord[] = [];
  readonly #capacity: number;
  #last = 0;

  /** @param capacity how many attempts are retained */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get records(): readonly DeliveryRecord[] {
    return this.#records;
  }

  open(attempt: Omit<DeliveryRecord, 'n' | 'status' | 'endedAt'>): DeliveryRecord {
    const record = { n: ++this.#last, ...attempt, status: undefined, endedAt: undefined };
    this.#records.push(record);
    if (this.#records.length > this.#capacity) this.#records.shift();
    return record;
  }

  close(record: DeliveryRecord, outcome: Pick<DeliveryRecord, 'status' | 'endedAt'>): void {
    Object.assign(record, outcome);
  }

  clear(): void {
    this.#records.length = 0;
    this.#last = 0;
  }
}
