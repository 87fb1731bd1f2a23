/** What the embedded database's thread and the main thread say to each other. */

export interface ThreadData {
  /** A folder of the database itself, or `memory://`. */
  readonly dataDir: string;
  /** Where it is made, if it is not there yet: it gets its name when it is whole. */
  readonly createIn?: string | undefined;
}

/** To the thread. */
export type ThreadRequest =
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly text: string;
      /** Absent where the text may hold several statements: only the simple protocol takes those, and it has no parameters. */
      readonly params?: readonly unknown[];
    }
  | { readonly kind: 'close' };

/** From the thread. */
export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not-ready'; readonly reason: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: StatementResult }
  | { readonly kind: 'error'; readonly id: number; readonly error: SerializedError }
  | { readonly kind: 'notification'; readonly channel: string; readonly payload: string }
  /** It can do nothing more, and may never answer. */
  | { readonly kind: 'lost'; readonly reason: string };

/** Of the text's last statement. */
export interface StatementResult<R = unknown> {
  readonly rows: R[];
  readonly affectedRows: number;
}

/** An error as it passes between threads: its class does not, and what the driver adds (the parameters) must not. */
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
