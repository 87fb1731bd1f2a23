// What an operation answers, before it is put on the wire. Contract: Hosts, Errors.

export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly html: string };

/** By the path of what is wrong, `slots[1].end`. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/** Thrown where an operation refuses; the exchange turns it into the contract's error answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly errors: FieldErrors | readonly never[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    details: { readonly errors?: FieldErrors; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.errors = details.errors ?? [];
    this.headers = details.headers ?? {};
  }

  get answer(): Answer {
    return {
      status: this.status,
      headers: { 'content-type': ERROR_TYPE, ...this.headers },
      body: { errors: this.errors, message: this.message },
    };
  }
}

export const SUCCESS_TYPE = 'application/vnd.docplanner+json; charset=UTF-8';
export const ERROR_TYPE = 'application/vnd.error+docplanner+json';

/** The firewall in front of the API: HTML, and none of the API's headers. */
export function firewallPage(status: 403 | 405): Answer {
  const html =
    '<!DOCTYPE html><html><head><title>Access to this page has been denied</title></head>' +
    '<body><h1>Please verify that you are a human</h1></body></html>';
  return { status, html };
}
