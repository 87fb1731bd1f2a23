/** The messages between the main thread and the thread of the embedded database. */

export interface ThreadData {
  /** The database's own folder, or `memory://`. */
  readonly dataDir: string;
  /** Present for a new database: it is created in this folder, which is renamed to `dataDir` once it is complete. */
  readonly createIn?: string | undefined;
}

/** Sent to the thread. */
export type ThreadRequest =
  | {
      readonly kind: 'query';
      readonly id: number;
      readonly text: string;
      /** Absent where the text may contain several statements: only the simple protocol accepts those, and it has no parameters. */
      readonly params?: readonly unknown[];
    }
  | { readonly kind: 'close' };

/** Sent by the thread. */
export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not-ready'; readonly reason: string }
  | { readonly kind: 'result'; readonly id: number; readonly result: StatementResult }
  | { readonly kind: 'error'; readonly id: number; readonly error: SerializedError }
  | { readonly kind: 'notification'; readonly channel: string; readonly payload: string }
  /** The database has ended; open requests may never be answered. */
  | { readonly kind: 'lost'; readonly reason: string };

/** The result of the text's last statement. */
export interface StatementResult<R = unknown> {
  readonly rows: R[];
  readonly affectedRows: number;
}

/** An error as it is sent between threads. Its class is lost, and the parameters that the driver adds are left out on purpose. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

const FIELDS = ['code', 'severity', 'detail', 'hint', 'where', 'schema', 'table', 'column', 'constraint'];

export function serializeError(error: unknown): SerializedError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), fields: {} };
  const fields = FIELDS.flatMap((name) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return { name: error.name, message: error.message, fields: Object.fromEntries(fields) };
}

export function deserializeError({ name, message, fields }: SerializedError): Error {
  return Object.assign(new Error(message), { name, ...fields });
}
