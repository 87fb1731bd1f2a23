// Tests of the access token: shared, renewed in time, renewed once after a 401, with a backoff for a failing endpoint.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TokenUnavailableError, UnauthorizedError } from '../../src/docplanner/index.js';
import {
  address,
  failure,
  type HttpMarketplace,
  inTurn,
  json,
  page,
  type Reply,
  startMarketplace,
} from './http-marketplace.js';

const start = '2026-11-16T10:00:00+01:00';
const end = '2026-11-17T10:00:00+01:00';

let marketplace: HttpMarketplace;
let now: number;
const clock = () => now;
beforeEach(async () => {
  marketplace = await startMarketplace();
  now = Date.UTC(2026, 10, 16);
});
afterEach(() => marketplace.close());

/** Accepts only these tokens. */
const accepting =
  (...tokens: readonly string[]): Reply =>
  (request, response) => {
    const good = tokens.some((token) => request.headers.authorization === `Bearer ${token}`);
    return json(good ? 200 : 401, good ? { _items: [] } : { message: 'expired', errors: [] })(
      request,
      response,
    );
  };

describe('a token', () => {
  test('is requested with the credentials in Basic, as a form', async () => {
    await marketplace.client().getSlots(address, start, end);
    const [request] = marketplace.tokenRequests;
    expect(request).toMatchObject({ method: 'POST', url: '/oauth/v2/token' });
    expect(request?.headers.authorization).toBe(
      `Basic ${Buffer.from('client-id:the-secret').toString('base64')}`,
    );
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(request?.body).toBe('grant_type=client_credentials&scope=integration');
  });

  test('is shared by concurrent and later requests', async () => {
    const client = marketplace.client();
    await Promise.all(Array.from({ length: 20 }, () => client.getSlots(address, start, end)));
    await client.getSlots(address, start, end);
    expect(marketplace.tokenRequests).toHaveLength(1);
    expect(marketplace.seen).toHaveLength(21);
  });

  test('is renewed shortly before expires_in has passed', async () => {
    const client = marketplace.client({ now: clock });
    await client.getSlots(address, start, end);
    now += 3_539_000;
    await client.getSlots(address, start, end);
    expect(marketplace.tokenRequests).toHaveLength(1);
    now += 1_000;
    await client.getSlots(address, start, end);
    expect(marketplace.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('that is still valid is used when its early renewal fails', async () => {
    const client = marketplace.client({ now: clock });
    await client.getSlots(address, start, end);
    marketplace.replyToken = json(503, {});
    now += 3_550_000;
    await client.getSlots(address, start, end);
    expect(marketplace.seen.at(-1)?.headers.authorization).toBe('Bearer token-1');
    now += 50_000;
    expect(await failure(client.getSlots(address, start, end))).toBeInstanceOf(TokenUnavailableError);
    expect(marketplace.seen).toHaveLength(2);
  });

  test('that expires during the wait at the gate is renewed before the request', async () => {
    const gate = {
      before: async () => {
        now += 3_600_000;
      },
      after: () => undefined,
    };
    await marketplace.client({ now: clock, gate }).getSlots(address, start, end);
    expect(marketplace.seen[0]?.headers.authorization).toBe('Bearer token-2');
  });
});

describe('a 401', () => {
  test('renews the token and retries the request once', async () => {
    marketplace.reply = accepting('token-2');
    await expect(marketplace.client().getSlots(address, start, end)).resolves.toEqual([]);
    expect(marketplace.seen).toHaveLength(2);
    expect(marketplace.tokenRequests).toHaveLength(2);
  });

  test('retries a write with its body', async () => {
    marketplace.reply = inTurn(json(401, {}), json(201, undefined));
    const slots = [{ start, end: '2026-11-16T11:00:00+01:00', address_services: [] }];
    await marketplace.client().replaceSlots(address, slots);
    expect(marketplace.seen.map(({ body }) => JSON.parse(body))).toEqual([{ slots }, { slots }]);
  });

  test('of many concurrent requests renews once', async () => {
    marketplace.reply = accepting('token-2');
    const client = marketplace.client();
    await Promise.all(Array.from({ length: 20 }, () => client.getSlots(address, start, end)));
    expect(marketplace.tokenRequests).toHaveLength(2);
  });

  test('for a token that was already replaced does not renew again', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const strict = accepting('token-2');
    marketplace.reply = async (request, response) => {
      if (request.url.endsWith('/services') && request.headers.authorization === 'Bearer token-1') await held;
      await strict(request, response);
    };
    const client = marketplace.client();
    const late = client.getAddressServices(address);
    await client.getSlots(address, start, end);
    release();
    await expect(late).resolves.toEqual([]);
    expect(marketplace.tokenRequests).toHaveLength(2);
  });

  test('with a new token as well is an error, and further renewals back off', async () => {
    marketplace.reply = accepting();
    const client = marketplace.client({ now: clock });
    const error = await failure(client.getSlots(address, start, end));
    expect(error).toBeInstanceOf(UnauthorizedError);
    expect(error).toMatchObject({ status: 401, marketplaceMessage: 'expired', operation: 'getSlots' });
    expect(marketplace.seen).toHaveLength(2);

    const next = await failure(client.getSlots(address, start, end));
    expect(next).toBeInstanceOf(TokenUnavailableError);
    expect(next).toMatchObject({ retryAfterMs: 15_000 });
    expect(marketplace.seen).toHaveLength(2);
    expect(marketplace.tokenRequests).toHaveLength(2);

    marketplace.reply = json(200, { _items: [] });
    now += 15_000;
    await expect(client.getSlots(address, start, end)).resolves.toEqual([]);
  });
});

describe('a failing token endpoint', () => {
  const passing = {
    transient: { firstMs: 1_000, capMs: 4_000 },
    refused: { firstMs: 15_000, capMs: 60_000 },
  };

  const failures: readonly { what: string; reply: Reply; cause: string; retryAfterMs: number }[] = [
    {
      what: 'wrong credentials',
      reply: json(401, { error: 'invalid_client' }),
      cause: 'UnauthorizedError',
      retryAfterMs: 15_000,
    },
    { what: 'the firewall', reply: page(405), cause: 'FirewallError', retryAfterMs: 15_000 },
    { what: 'a server error', reply: json(503, {}), cause: 'ServerError', retryAfterMs: 1_000 },
    {
      what: 'a server that says when',
      reply: json(503, {}, { 'retry-after': '40' }),
      cause: 'ServerError',
      retryAfterMs: 40_000,
    },
    {
      what: 'a cut connection',
      reply: (_request, response) => void response.destroy(),
      cause: 'ConnectionError',
      retryAfterMs: 1_000,
    },
    {
      what: 'an unreadable token',
      reply: json(200, { access_token: 7 }),
      cause: 'UnexpectedAnswerError',
      retryAfterMs: 15_000,
    },
  ];

  test.each(failures)('with $what is a typed error with the cause and the delay', async (failing) => {
    const { reply, cause, retryAfterMs } = failing;
    marketplace.replyToken = reply;
    const error = await failure(marketplace.client({ now: clock }).getSlots(address, start, end));
    expect(error).toBeInstanceOf(TokenUnavailableError);
    expect(error).toMatchObject({ operation: 'getSlots', retryAfterMs, mayHaveApplied: false });
    expect(error instanceof TokenUnavailableError && error.cause.name).toBe(cause);
    expect(marketplace.seen).toHaveLength(0);
  });

  test('is not requested before the delay, which doubles after each failure up to a cap', async () => {
    marketplace.replyToken = json(503, {});
    const client = marketplace.client({ now: clock, tokenBackoff: passing });
    const waits: unknown[] = [];
    for (let n = 0; n < 5; n += 1) {
      const asked = await Promise.all([1, 2, 3].map(() => failure(client.getSlots(address, start, end))));
      const [first] = asked;
      const again = await failure(client.getSlots(address, start, end));
      expect(again).toMatchObject({ name: 'TokenUnavailableError' });
      const wait = first instanceof TokenUnavailableError ? first.retryAfterMs : Number.NaN;
      waits.push(wait);
      now += wait;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 4_000, 4_000]);
    expect(marketplace.tokenRequests).toHaveLength(5);
  });

  test('that works again resets the backoff', async () => {
    marketplace.replyToken = json(503, {});
    const client = marketplace.client({ now: clock, tokenBackoff: passing });
    await failure(client.getSlots(address, start, end));
    now += 1_000;
    await failure(client.getSlots(address, start, end));
    marketplace.replyToken = json(200, { access_token: 'good', expires_in: '3600' });
    now += 2_000;
    await client.getSlots(address, start, end);
    marketplace.replyToken = json(503, {});
    now += 3_600_000;
    expect(await failure(client.getSlots(address, start, end))).toMatchObject({ retryAfterMs: 1_000 });
  });
});
