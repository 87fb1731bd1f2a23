// What was asked and what became of it, in order of arrival; the newest are kept. No token and no secret
// ever gets in.
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
  readonly userAgent: string | undefined;
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
  /** Earlier writes to the same address that were unanswered, and still waited for, when this write arrived. */
  readonly overlaps: readonly number[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type Arrival = Pick<
  RequestRecord,
  'receivedAt' | 'method' | 'path' | 'operation' | 'client' | 'userAgent' | 'address' | 'body'
>;
export type Outcome = Pick<RequestRecord, 'answeredAt' | 'status' | 'applied' | 'ignored'> & {
  readonly fault?: string;
};

/** Of all kept bodies together. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

export class RequestLog {
  readonly #kept: Mutable<RequestRecord>[] = [];
  readonly #capacity: number;
  readonly #writing = new Map<string, Set<number>>();
  readonly #sizes = new Map<number, number>();
  #size = 0;
  #last = 0;

  /** @param capacity how many requests are kept, as long as their bodies are not too much together */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get all(): readonly RequestRecord[] {
    return this.#kept;
  }

  /** @param size of the body, in characters */
  open(arrival: Arrival, size: number): RequestRecord {
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
    this.#sizes.set(record.n, size);
    this.#size += size;
    this.#trim();
    return record;
  }

  close(record: RequestRecord, outcome: Outcome): void {
    Object.assign(record, outcome);
    this.left(record);
  }

  /** Nobody waits for its answer any more, be it answered or not. */
  left(record: RequestRecord): void {
    if (record.address !== undefined) this.#writing.get(addressKey(record.address))?.delete(record.n);
  }

  clear(): void {
    this.#kept.length = 0;
    this.#sizes.clear();
    this.#size = 0;
    this.#writing.clear();
    this.#last = 0;
  }

  #trim(): void {
    while (this.#kept.length > this.#capacity || (this.#size > MAX_CHARACTERS && this.#kept.length > 1)) {
      const n = this.#kept.shift()?.n ?? 0;
      this.#size -= this.#sizes.get(n) ?? 0;
      this.#sizes.delete(n);
    }
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
