// What was pushed and what became of it, in the order it was sent; the newest are kept. No patient and no secret ever gets in.

export interface DeliveryRecord {
  /** 1 for the first attempt since the start or the last reset. */
  readonly n: number;
  readonly client: string;
  /** Of the notification, such as `slot-booked`. */
  readonly name: string;
  /** The booking that it is about; of a moved one the new one. */
  readonly bookingId: string | undefined;
  /** 1 for the first attempt to deliver this notification. */
  readonly attempt: number;
  /** Undefined while there is no answer, and for ever when there was none. */
  readonly status: number | undefined;
  /** Epoch milliseconds on the sandbox's clock, when it was sent. */
  readonly at: number;
  /** When it was answered, given up or cut; undefined until then. */
  readonly endedAt: number | undefined;
}

export class DeliveryLog {
  readonly #kept: DeliveryRecord[] = [];
  readonly #capacity: number;
  #last = 0;

  /** @param capacity how many attempts are kept */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get all(): readonly DeliveryRecord[] {
    return this.#kept;
  }

  open(departure: Omit<DeliveryRecord, 'n' | 'status' | 'endedAt'>): DeliveryRecord {
    const record = { n: ++this.#last, ...departure, status: undefined, endedAt: undefined };
    this.#kept.push(record);
    if (this.#kept.length > this.#capacity) this.#kept.shift();
    return record;
  }

  close(record: DeliveryRecord, outcome: Pick<DeliveryRecord, 'status' | 'endedAt'>): void {
    Object.assign(record, outcome);
  }

  clear(): void {
    this.#kept.length = 0;
    this.#last = 0;
  }
}
