// What was asked and what became of it, in order of arrival; the newest few thousand are kept. No token, no secret and no
// header ever gets in.
import { type AddressRef, addressKey } from './address.js';

export interface RequestRecord {
  /** 1 for the first request since the start or the last reset. */
  readonly n: number;
  /** Epoch milliseconds on the sandbox's clock. */
  readonly receivedAt: number;
  /** Undefined while it is being processed. */
  readonly answeredAt: number | undefined;
  readonly method: string;
  /** With its query, as it was sent. */
  readonly path: string;
  /** The contract's name of the operation, such as `replaceSlots`; `unknown` where there is none. */
  readonly operation: string;
  readonly client: string | undefined;
  readonly address: AddressRef | undefined;
  /** Parsed; the text where it was no JSON. */
  readonly body: unknown;
  /** Undefined when no status was sent: cut, or left without an answer. */
  readonly status: number | undefined;
  /** Whether it changed the marketplace. */
  readonly applied: boolean;
  /** It repeated a payload of the last three minutes, was answered 201 and ignored. */
  readonly ignored: boolean;
  /** The fault it met, such as `cut-after`; several are joined by `+`. */
  readonly fault?: string;
  /** Earlier writes to the same address that were still in flight when this write arrived. */
  readonly overlaps: readonly number[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type Arrival = Pick<
  RequestRecord,
  'receivedAt' | 'method' | 'path' | 'operation' | 'client' | 'address' | 'body'
>;
export type Outcome = Pick<RequestRecord, 'answeredAt' | 'status' | 'applied' | 'ignored'> & {
  readonly fault?: string;
};

export class RequestLog {
  readonly #kept: Mutable<RequestRecord>[] = [];
  readonly #capacity: number;
  readonly #writing = new Map<string, Set<number>>();
  #last = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get all(): readonly RequestRecord[] {
    return this.#kept;
  }

  after(n: number): readonly RequestRecord[] {
    return this.#kept.filter((record) => record.n > n);
  }

  open(arrival: Arrival): RequestRecord {
    const record: Mutable<RequestRecord> = {
      n: ++this.#last,
      ...arrival,
      answeredAt: undefined,
      status: undefined,
      applied: false,
      ignored: false,
      overlaps: this.#enter(arrival, this.#last),
    };
    this.#kept.push(record);
    if (this.#kept.length > this.#capacity) this.#kept.shift();
    return record;
  }

  close(record: RequestRecord, outcome: Outcome): void {
    Object.assign(record, outcome);
    if (record.address !== undefined) this.#writing.get(addressKey(record.address))?.delete(record.n);
  }

  clear(): void {
    this.#kept.length = 0;
    this.#writing.clear();
    this.#last = 0;
  }

  #enter({ address, method }: Arrival, n: number): readonly number[] {
    if (address === undefined || method === 'GET') return [];
    const key = addressKey(address);
    const writing = this.#writing.get(key) ?? new Set<number>();
    const before = [...writing];
    this.#writing.set(key, writing.add(n));
    return before;
  }
}
