// The log of API requests and their outcomes, in order of arrival. It retains the newest requests and never contains a token or
// a secret.
import { type AddressRef, addressKey } from './address.js';

export interface RequestRecord {
  /** 1 for the first request since the start or the last reset. */
  readonly n: number;
  /** Epoch milliseconds on the sandbox's clock. */
  readonly receivedAt: number;
  /** Undefined while the request is processed. */
  readonly answeredAt: number | undefined;
  readonly method: string;
  /** The path with its query, as sent. */
  readonly path: string;
  /** The contract's name of the operation, such as `replaceSlots`; `unknown` for other paths. */
  readonly operation: string;
  readonly client: string | undefined;
  readonly userAgent: string | undefined;
  readonly address: AddressRef | undefined;
  /** The parsed JSON, or the text when it is not JSON. */
  readonly body: unknown;
  /** Undefined when no status was sent: the connection was cut or not answered. */
  readonly status: number | undefined;
  /** Whether the request changed the marketplace. */
  readonly applied: boolean;
  /** Whether the request repeated a payload of the last three minutes, so that it was answered 201 and ignored. */
  readonly ignored: boolean;
  /** The injected fault, such as `cut-after`; several are joined by `+`. */
  readonly fault?: string;
  /** The `n` of earlier writes to the same address that were unanswered, and not abandoned, when this write arrived. */
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

/** The limit of all retained bodies together. */
const MAX_BODY_CHARACTERS = 32 * 1024 * 1024;

export class RequestLog {
  readonly #records: Mutable<RequestRecord>[] = [];
  readonly #capacity: number;
  readonly #activeWrites = new Map<string, Set<number>>();
  readonly #sizesByN = new Map<number, number>();
  #size = 0;
  #last = 0;

  /** @param capacity how many requests are retained at most; fewer when their bodies exceed MAX_BODY_CHARACTERS */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  /** @param size the size of the body in characters */
  open(arrival: Arrival, size: number): RequestRecord {
    const record: Mutable<RequestRecord> = {
      n: ++this.#last,
      ...arrival,
      answeredAt: undefined,
      status: undefined,
      applied: false,
      ignored: false,
      overlaps: this.#recordWrite(arrival, this.#last),
    };
    this.#records.push(record);
    this.#sizesByN.set(record.n, size);
    this.#size += size;
    this.#trim();
    return record;
  }

  close(record: RequestRecord, outcome: Outcome): void {
    Object.assign(record, outcome);
    this.endWait(record);
  }

  /** The client no longer waits for the response, answered or not. */
  endWait(record: RequestRecord): void {
    if (record.address !== undefined) this.#activeWrites.get(addressKey(record.address))?.delete(record.n);
  }

  clear(): void {
    this.#records.length = 0;
    this.#sizesByN.clear();
    this.#size = 0;
    this.#activeWrites.clear();
    this.#last = 0;
  }

  #trim(): void {
    while (
      this.#records.length > this.#capacity ||
      (this.#size > MAX_BODY_CHARACTERS && this.#records.length > 1)
    ) {
      const n = this.#records.shift()?.n ?? 0;
      this.#size -= this.#sizesByN.get(n) ?? 0;
      this.#sizesByN.delete(n);
    }
  }

  #recordWrite({ address, method }: Arrival, n: number): readonly number[] {
    if (address === undefined || method === 'GET') return [];
    const key = addressKey(address);
    const active = this.#activeWrites.get(key) ?? new Set<number>();
    const before = [...active];
    this.#activeWrites.set(key, active.add(n));
    return before;
  }
}
