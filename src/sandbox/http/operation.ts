// What every operation of the API is given and gives back. One exchange serves them all.

import type { Limiter } from '../limits.js';
import type { Processing } from '../market/duplicates.js';
import type { Market } from '../market/market.js';
import type { PostOffice } from '../push/push-service.js';
import type { Limits } from '../seed.js';
import type { Tokens } from '../tokens.js';
import { type Answer, Refusal } from './answer.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Call {
  /** The client whose token came with the request. */
  readonly client: string;
  /** Without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  readonly body: ReceivedBody;
  /** Epoch milliseconds on the sandbox's clock, at the moment of processing. */
  readonly now: number;
  readonly market: Market;
  readonly limiter: Limiter;
  readonly limits: Limits;
  readonly tokens: Tokens;
  /** Where notifications are pulled, and failed pushes released. */
  readonly postOffice: Pick<PostOffice, 'take' | 'release'>;
  /** These headers are for the token endpoint. */
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
}

export interface ReceivedBody {
  readonly text: string;
  /** The parsed body; undefined when there was none. Throws the 400 of a malformed one. */
  json(): unknown;
}

/** It is processed, or ends here with an answer that may hide that it was ignored. */
export type Admitted =
  | { readonly processing: Processing }
  | { readonly answer: Answer; readonly ignored: boolean };

export interface Operation {
  /** The contract's name of it. */
  readonly name: string;
  readonly method: Method;
  /** Under the API's prefix, `:name` for a parameter. */
  readonly path: string;
  /** A read that changes something all the same: a pulled notification is gone. */
  readonly changes?: true;
  /** Runs on arrival, before any latency: the duplicate rule. */
  readonly admit?: (call: Call) => Admitted;
  /** Throws a {@link Refusal} where the contract refuses. */
  readonly handle: (call: Call) => Answer;
}

export function receivedBody(text: string): ReceivedBody {
  return {
    text,
    json: () => {
      if (text.trim() === '') return undefined;
      try {
        return JSON.parse(text);
      } catch {
        throw new Refusal(400, 'The body is not valid JSON.');
      }
    },
  };
}
