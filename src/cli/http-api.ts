/** The engine's HTTP API, as the commands use it. */
import { got, HTTPError } from 'got';
import type { Status } from '../engine.js';
import type { Failure, FailuresFace, Settled } from '../failures-face.js';
import type { EventsResult } from '../intake/apply-events.js';

export class HttpApi {
  readonly #http: typeof got;

  constructor(url: string, apiKey: string) {
    this.#http = got.extend({
      prefixUrl: `${url}/v1`,
      headers: { authorization: `Bearer ${apiKey}` },
      retry: { limit: 0 },
      timeout: { request: 30_000 },
    });
  }

  async events(events: readonly unknown[]): Promise<EventsResult> {
    return await explained(this.#http.post('events', { json: { events } }).json<EventsResult>());
  }

  async status(): Promise<Status> {
    return await explained(this.#http.get('status').json<Status>());
  }

  get failures(): FailuresFace {
    return {
      list: async () => (await explained(this.#http.get('failed').json<{ items: Failure[] }>())).items,
      settle: async (verb, ids) =>
        await explained(this.#http.post(`failed/${verb}`, { json: { ids } }).json<Settled>()),
    };
  }
}

async function explained<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof HTTPError) {
      throw new ApiError(error.response.statusCode, error.request.requestUrl?.pathname ?? '', {
        cause: error,
      });
    }
    throw error;
  }
}

class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(status: number, path: string, options: ErrorOptions) {
    const why = status === 401 ? 'SLOTKEEPER_API_KEY is not its key' : `it answered ${status}`;
    super(`the engine refused ${path}: ${why}`, options);
  }
}
