// Tests of the typed errors of failed requests.

import { setInterval } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ConnectionError,
  DocplannerError,
  InvalidRequestError,
  RateLimitedError,
  TokenUnavailableError,
} from '../../src/docplanner/index.js';
import { eventually } from '../support/eventually.js';
import {
  address,
  failure,
  type HttpMarketplace,
  json,
  page,
  type Reply,
  startMarketplace,
} from './http-marketplace.js';

const start = '2026-11-16T10:00:00+01:00';
const end = '2026-11-16T11:00:00+01:00';
const slots = [{ start, end, address_services: [{ address_service_id: '123', duration: 10 }] }];
const path = '/api/v3/integration/facilities/456/doctors/9876/addresses/789/slots';

let marketplace: HttpMarketplace;
beforeEach(async () => {
  marketplace = await startMarketplace();
});
afterEach(() => marketplace.close());

const replaced = (reply: Reply, options = {}) => {
  marketplace.reply = reply;
  return failure(marketplace.client(options).replaceSlots(address, slots));
};

describe('a status', () => {
  test.each([
    [400, 'InvalidRequestError', false],
    [401, 'UnauthorizedError', false],
    [403, 'ForbiddenError', false],
    [404, 'NotFoundError', false],
    [405, 'UnexpectedAnswerError', false],
    [409, 'ConflictError', false],
    [415, 'UnexpectedAnswerError', false],
    [422, 'UnprocessableError', false],
    [429, 'RateLimitedError', false],
    [500, 'ServerError', true],
    [502, 'ServerError', true],
    [503, 'ServerError', true],
    [504, 'ServerError', true],
  ])('%d is a(n) %s', async (status, name, mayHaveApplied) => {
    const error = await replaced(json(status, { message: 'Not so', errors: [] }));
    expect(error).toBeInstanceOf(DocplannerError);
    expect(error).toMatchObject({
      name,
      status,
      mayHaveApplied,
      account: 'warsaw',
      operation: 'replaceSlots',
      method: 'PUT',
      path,
      marketplaceMessage: 'Not so',
      errors: {},
    });
    expect(error).toHaveProperty(
      'message',
      expect.stringMatching(/^warsaw: replaceSlots \(PUT .*slots\) .*: Not so$/),
    );
  });

  test.each([
    [403, 'FirewallError'],
    [405, 'FirewallError'],
    [404, 'UnexpectedAnswerError'],
    [502, 'ServerError'],
    [429, 'RateLimitedError'],
    [200, 'UnexpectedAnswerError'],
  ])('%d with a page is a(n) %s', async (status, name) => {
    expect(await replaced(page(status))).toMatchObject({
      name,
      status,
      mayHaveApplied: status === 200 || status === 502,
    });
  });

  test('403 with a page without the HTML content type is a FirewallError', async () => {
    const error = await replaced((_request, response) => {
      response.writeHead(403);
      response.end('\n<html>captcha</html>');
    });
    expect(error).toMatchObject({ name: 'FirewallError' });
  });

  test('404 means no slots, unless it is a page', async () => {
    marketplace.reply = json(404, { message: 'No slots', errors: [] });
    await expect(marketplace.client().getSlots(address, start, end)).resolves.toEqual([]);
    marketplace.reply = page(404);
    await expect(marketplace.client().getSlots(address, start, end)).rejects.toMatchObject({
      name: 'UnexpectedAnswerError',
    });
  });

  test('of an error with an invalid body decides the error', async () => {
    expect(await replaced((_request, response) => void response.writeHead(422).end('{{{'))).toMatchObject({
      name: 'UnprocessableError',
      errors: {},
    });
  });
});

describe('a 400', () => {
  test('names the entries', async () => {
    const errors = {
      'slots[1].end': ['End date should be within 12 weeks', 'Too far'],
      'slots[12]': ['exceeds a single day boundary'],
      slots: { '3': { start: ['odd'] } },
      other: 'not an entry',
    };
    const error = await replaced(json(400, { message: 'Validation failed', errors }));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error).toMatchObject({
      entries: [
        { index: 1, field: 'end', reason: 'End date should be within 12 weeks; Too far' },
        { index: 12, reason: 'exceeds a single day boundary' },
        { index: 3, field: 'start', reason: 'odd' },
      ],
      errors: { other: ['not an entry'] },
    });
  });

  test('without an index has no entries', async () => {
    const error = await replaced(json(400, { message: 'No', errors: ['Unknown address service'] }));
    expect(error).toMatchObject({ entries: [], errors: { '': ['Unknown address service'] } });
  });

  test('with long texts is truncated', async () => {
    const errors = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [`slots[${n}].end`, ['x'.repeat(9_000)]]),
    );
    const error = await replaced(json(400, { message: 'y'.repeat(100_000), errors }));
    if (!(error instanceof InvalidRequestError)) throw error;
    expect(error.entries).toHaveLength(200);
    expect(JSON.stringify(error).length).toBeLessThan(250_000);
    expect(error.message.length).toBeLessThan(4_000);
  });
});

describe('a 429', () => {
  const now = () => Date.UTC(2026, 10, 16, 9, 0, 0);

  test('has the delay in seconds', async () => {
    expect(await replaced(json(429, {}, { 'retry-after': '17' }))).toMatchObject({ retryAfterMs: 17_000 });
  });

  test('has the delay as a date', async () => {
    const headers = { 'retry-after': 'Mon, 16 Nov 2026 09:00:05 GMT' };
    expect(await replaced(json(429, {}, headers), { now })).toMatchObject({ retryAfterMs: 5_000 });
  });

  test('has the rate limit, from which the delay is derived', async () => {
    const headers = {
      'x-ratelimit-limit': '40',
      'x-ratelimit-used': '40',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '2026-11-16T10:00:30+01:00',
    };
    const error = await replaced(json(429, {}, headers), { now });
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({
      retryAfterMs: 30_000,
      rateLimit: { limit: 40, used: 40, remaining: 0, resetAt: now() + 30_000 },
    });
  });

  test('for a duplicate has no delay', async () => {
    const error = await replaced(json(429, { message: 'Already being processed' }));
    expect(error).toMatchObject({ retryAfterMs: undefined });
  });
});

describe('a redirect', () => {
  test.each([301, 302, 307, 308])('%d is not followed and names the host', async (status) => {
    const error = await replaced((_request, response) => {
      response.writeHead(status, { location: 'https://www.znanylekarz.pl/api?patient=x' });
      response.end();
    });
    expect(marketplace.seen).toHaveLength(1);
    expect(error).toMatchObject({ name: 'UnexpectedAnswerError', status, mayHaveApplied: false });
    expect(error).toHaveProperty('message', expect.stringContaining('www.znanylekarz.pl'));
    expect(error).not.toHaveProperty('message', expect.stringContaining('patient'));
  });
});

describe('a body', () => {
  const read = (reply: Reply, options = {}) => {
    marketplace.reply = reply;
    return failure(marketplace.client(options).getAddressServices(address));
  };

  test('that is not JSON is unexpected', async () => {
    const error = await read((_request, response) => void response.writeHead(200).end('{"_items": ['));
    expect(error).toMatchObject({ name: 'UnexpectedAnswerError', status: 200 });
  });

  test('of a write that is not as expected may have applied', async () => {
    marketplace.reply = json(201, { id: 4 });
    const error = await failure(marketplace.client().addCalendarBreak(address, { since: start, till: end }));
    expect(error).toMatchObject({ name: 'UnexpectedAnswerError', status: 201, mayHaveApplied: true });
    expect(error).toHaveProperty('message', expect.stringContaining('(since: '));
  });

  test('that is missing is accepted where none is required, and so is any that is not a page', async () => {
    marketplace.reply = (_request, response) => void response.writeHead(201).end('OK');
    await expect(marketplace.client().replaceSlots(address, slots)).resolves.toBeUndefined();
  });

  test('that is too large is not read further', async () => {
    let written = 0;
    const error = await read(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const chunk = Buffer.alloc(64 * 1024, 32);
        const more = () => {
          while (!response.destroyed && written < 1_000) {
            written += 1;
            if (!response.write(chunk)) return void response.once('drain', more);
          }
          response.end();
        };
        more();
      },
      { maxAnswerBytes: 100_000 },
    );
    expect(error).toMatchObject({ name: 'UnexpectedAnswerError', status: 200 });
    expect(error).toHaveProperty('message', expect.stringContaining('more than 100000 bytes'));
    expect(written).toBeLessThan(1_000);
  });
});

describe('a connection', () => {
  /** A client with a short timeout that has a token and a connection. */
  async function impatient() {
    const client = marketplace.client({ timeoutMs: 300 });
    await eventually(() => client.getSlots(address, start, end));
    return client;
  }

  test('that is cut before an answer may have applied', async () => {
    const error = await replaced((_request, response) => void response.destroy());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ reason: 'reset', mayHaveApplied: true, code: 'ECONNRESET' });
    expect(marketplace.seen).toHaveLength(1);
  });

  test('that is cut in the middle of a success may have applied', async () => {
    const error = await replaced((_request, response) => {
      response.writeHead(201, { 'content-length': '100' });
      response.write('{', () => response.destroy());
    });
    expect(error).toMatchObject({
      name: 'ConnectionError',
      reason: 'reset',
      mayHaveApplied: true,
      status: 201,
    });
  });

  test('that answers too late may have applied', async () => {
    const client = await impatient();
    marketplace.reply = () => {};
    const error = await failure(client.replaceSlots(address, slots));
    expect(error).toMatchObject({ name: 'ConnectionError', reason: 'timeout', mayHaveApplied: true });
  });

  test('whose body trickles is timed out as a whole', async () => {
    const client = await impatient();
    marketplace.reply = async (_request, response) => {
      response.writeHead(201, { 'content-type': 'application/json' });
      for await (const _ of setInterval(5)) {
        if (response.destroyed) return;
        response.write(' ');
      }
    };
    // Repeated when a slow machine reached the timeout before it read the head of the answer.
    await eventually(async () => {
      expect(await failure(client.replaceSlots(address, slots))).toMatchObject({
        name: 'ConnectionError',
        reason: 'timeout',
        mayHaveApplied: true,
        status: 201,
      });
      return true;
    });
  });

  test('that is refused has not applied', async () => {
    const granted = { access_token: 'token-1', expires_in: 3600 };
    marketplace.replyToken = json(200, granted, { connection: 'close' });
    const gate = { before: () => marketplace.stopListening(), after: () => {} };
    const error = await failure(marketplace.client({ gate }).replaceSlots(address, slots));
    expect(error).toMatchObject({ name: 'ConnectionError', reason: 'refused', mayHaveApplied: false });
  });

  test('to a host that does not exist has not applied', async () => {
    const error = await failure(
      marketplace.client({ baseUrl: 'http://nobody.invalid' }).replaceSlots(address, slots),
    );
    expect(error).toMatchObject({
      name: 'TokenUnavailableError',
      cause: { reason: 'dns', mayHaveApplied: false },
    });
  });

  test('without TLS has not applied', async () => {
    const baseUrl = marketplace.baseUrl.replace('http:', 'https:');
    const error = await failure(marketplace.client({ baseUrl }).replaceSlots(address, slots));
    expect(error).toMatchObject({ name: 'TokenUnavailableError', cause: { mayHaveApplied: false } });
  });

  test('without HTTP is a separate error', async () => {
    const error = await replaced((_request, response) => {
      response.socket?.end('220 mail.example ready\r\n');
    });
    expect(error).toMatchObject({ name: 'ConnectionError', reason: 'protocol', mayHaveApplied: true });
  });

  test('that its caller aborts is `aborted`', async () => {
    const client = marketplace.client();
    const controller = new AbortController();
    marketplace.reply = () => controller.abort();
    const error = await failure(client.replaceSlots(address, slots, controller.signal));
    expect(error).toMatchObject({ name: 'ConnectionError', reason: 'aborted', mayHaveApplied: true });
    const before = await failure(client.replaceSlots(address, slots, controller.signal));
    expect(before).toMatchObject({ name: 'ConnectionError', reason: 'aborted', mayHaveApplied: false });
    expect(marketplace.seen).toHaveLength(1);
  });
});

describe('close', () => {
  test('waits for active requests, then refuses', async () => {
    const client = marketplace.client();
    let arrived = () => {};
    let release = () => {};
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    marketplace.reply = async (request, response) => {
      arrived();
      await held;
      order.push('answered');
      await json(201, undefined)(request, response);
    };
    const order: string[] = [];
    const write = client.replaceSlots(address, slots);
    await arrival;
    const closed = client.close().then(() => order.push('closed'));
    release();
    await Promise.all([write, closed]);
    expect(order).toEqual(['answered', 'closed']);
    await client.close();
    expect(await failure(client.replaceSlots(address, slots))).toMatchObject({
      name: 'ConnectionError',
      reason: 'closed',
      mayHaveApplied: false,
    });
  });
});

describe('an error never contains', () => {
  const patient = {
    name: 'Placeholder',
    surname: 'Visitor',
    phone: '+48000111222',
    email: 'visitor@clinic.example',
  };
  const request = { address_service_id: '123', duration: 10, patient, comment: 'knee hurts' };

  test('patient data, even when the marketplace does', async () => {
    const { phone, email, surname } = patient;
    marketplace.reply = json(400, {
      message: `Phone ${phone} of ${surname} is odd`,
      errors: { [`patient.${email}`]: [`${email} wrote knee hurts`] },
    });
    const error = await failure(marketplace.client().bookSlot(address, start, request));
    const shown = inspect(error, { depth: 9, showHidden: true });
    expect(shown).toContain('Phone *** of *** is odd');
    for (const text of [...Object.values(patient), 'knee hurts']) expect(shown).not.toContain(text);
  });

  test.each<[string, Reply]>([
    ['a refusal', json(403, { message: 'not the-secret' })],
    ['a cut connection', (_request, response) => void response.destroy()],
    ['an unreadable body', json(200, {})],
  ])('secrets, tokens or bodies, after %s', async (_what, reply) => {
    marketplace.reply = reply;
    const error = await failure(marketplace.client().bookSlot(address, start, request));
    const shown = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`;
    for (const text of ['the-secret', 'token-1', 'Bearer', 'Basic', 'knee hurts', patient.phone]) {
      expect(shown).not.toContain(text);
    }
  });

  test('the content of the request, nor what looks like a person, and has 200 characters of text at most', async () => {
    marketplace.reply = ({ headers }, response) => {
      const said = `${headers.authorization} of Anna, +48 600 100 200, PESEL 44051401458, anna@nowak.example`;
      const errors = { [said]: [said, said], [`slots.1.${said}`]: [said], other: ['o'.repeat(9_000)] };
      return json(400, { message: said, errors })({ method: '', url: '', headers, body: '' }, response);
    };
    const error = await failure(marketplace.client().replaceSlots(address, slots));
    const told = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`;
    expect(told).not.toMatch(/token-1|600|100 200|4405|@|nowak/);
    expect(error).toHaveProperty('marketplaceMessage', 'Bearer *** of Anna, +***, PESEL ***, ***');
    if (!(error instanceof InvalidRequestError)) throw error;
    expect(error.message.slice(error.message.indexOf('as invalid: ') + 12)).toHaveLength(200);
    expect(error.message).toContain('facilities/456/doctors/9876/addresses/789/slots');
    expect(error.entries).toMatchObject([{ index: 1 }]);
  });

  test('either token, where a renewed one is refused, too', async () => {
    let first: string | undefined;
    marketplace.reply = (request, response) => {
      first ??= request.headers.authorization?.slice(7);
      const message = `neither ${first} nor ${request.headers.authorization?.slice(7)}`;
      return json(401, { message })(request, response);
    };
    const error = await failure(marketplace.client().replaceSlots(address, slots));
    expect(error).toHaveProperty('marketplaceMessage', 'neither *** nor ***');
  });

  test.each([
    [
      401,
      { error: 'invalid_client', error_description: 'BASIC is wrong, call +48 600 100 200' },
      '*** is wrong, call +***',
    ],
    [400, { error: 'invalid_scope' }, 'invalid_scope'],
    [400, { error: 'no code of OAuth', error_description: 'rows of an inner server' }, undefined],
    [400, { message: 'rows of an inner server', errors: { a: ['rows'] } }, undefined],
    [503, { message: 'rows of an inner server' }, undefined],
  ])('more than OAuth says, where no token is granted: %d %j', async (status, body, marketplaceMessage) => {
    marketplace.replyToken = ({ headers }, response) => {
      const basic = `${headers.authorization?.slice(6)}`;
      const said = JSON.stringify(body).replace('BASIC', basic);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(said);
    };
    const error = await failure(marketplace.client().getAddressServices(address));
    if (!(error instanceof TokenUnavailableError)) throw error;
    expect(error.cause.marketplaceMessage).toBe(marketplaceMessage);
    expect(error.cause.errors).toEqual({});
    expect(error.message).not.toContain('rows');
  });

  test('the target of a redirect beyond its host, nor a number in that', async () => {
    const error = await replaced((_request, response) => {
      response.writeHead(302, { location: 'https://anna:token-1@h600100200.example/token-1' });
      response.end();
    });
    expect(error).toHaveProperty('message', expect.stringContaining('redirected to the host ***.example'));
  });

  test('secrets, after a failing token endpoint', async () => {
    marketplace.replyToken = json(401, { error: 'invalid_client', error_description: 'the-secret is wrong' });
    const error = await failure(marketplace.client().getAddressServices(address));
    const shown = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`;
    expect(shown).toContain('*** is wrong');
    expect(shown).not.toContain('the-secret');
  });
});
