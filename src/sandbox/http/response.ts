// The response of an operation, and the error that operations throw to refuse a request. Contract: Hosts, Errors.

export type ApiResponse =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly html: string };

/** Error messages by the path of the invalid field, such as `slots[1].end`. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/** Thrown when an operation refuses a request; it is sent as the contract's error response. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
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

  get response(): ApiResponse {
    return {
      status: this.status,
      headers: { 'content-type': ERROR_TYPE, ...this.headers },
      body: { errors: this.errors, message: this.message },
    };
  }
}

export const SUCCESS_TYPE = 'application/vnd.docplanner+json; charset=UTF-8';
export const ERROR_TYPE = 'application/vnd.error+docplanner+json';

/** The response of the firewall in front of the API: HTML without the API's headers. */
export function firewallPage(status: 403 | 405): ApiResponse {
  const html =
    '<!DOCTYPE html><html><head><title>Access to this page has been denied</title></head>' +
    '<body><h1>Please verify that you are a human</h1></body></html>';
  return { status, html };
}
