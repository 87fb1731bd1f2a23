// The interface of the API's operations: the call that they get, and the admission and the response that they return.

import type { AccessTokens } from '../access-tokens.js';
import type { Processing } from '../market/duplicates.js';
import type { Market } from '../market/market.js';
import type { PushService } from '../push/push-service.js';
import type { RateLimiter } from '../rate-limiter.js';
import type { Limits } from '../seed.js';
import { ApiError, type ApiResponse } from './response.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface OperationCall {
  /** The client of the request's token. */
  readonly client: string;
  /** The path without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  readonly body: RequestBody;
  /** Epoch milliseconds on the sandbox's clock, at the moment of processing. */
  readonly now: number;
  readonly market: Market;
  readonly limiter: RateLimiter;
  readonly limits: Limits;
  readonly tokens: AccessTokens;
  /** Pulls notifications and releases failed pushes. */
  readonly pushService: Pick<PushService, 'pull' | 'release'>;
  /** The Authorization header, for the token endpoint. */
  readonly authorization: string | undefined;
  /** The Content-Type header, for the token endpoint. */
  readonly contentType: string | undefined;
}

export interface RequestBody {
  readonly text: string;
  /**
   * The parsed body; undefined without one.
   * @throws ApiError 400 for malformed JSON
   */
  json(): unknown;
}

/** Either the request is processed, or it gets this response at once; `ignored` when it is a duplicate. */
export type AdmissionResult =
  | { readonly processing: Processing }
  | { readonly answer: ApiResponse; readonly ignored: boolean };

export interface Operation {
  /** The contract's name of the operation. */
  readonly name: string;
  readonly method: Method;
  /** The path with the API's prefix, `:name` for a parameter. */
  readonly path: string;
  /** Set for a GET that changes state: pulling removes notifications from the queue. */
  readonly changesState?: true;
  /** Runs on arrival, before any latency: the duplicate rule. */
  readonly admit?: (call: OperationCall) => AdmissionResult;
  /** @throws ApiError when the contract refuses the request */
  readonly handle: (call: OperationCall) => ApiResponse;
}

export function toRequestBody(text: string): RequestBody {
  return {
    text,
    json: () => {
      if (text.trim() === '') return undefined;
      try {
        return JSON.parse(text);
      } catch {
        throw new ApiError(400, 'The body is not valid JSON.');
      }
    },
  };
}
