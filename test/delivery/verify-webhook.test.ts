// verifyWebhook, which the library offers to clinics, against the signatures of the engine.
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { signingKeyOf } from '../../src/delivery/destination.js';
import { signHeaders } from '../../src/delivery/sign.js';
import { verifyWebhook, WebhookVerificationError } from '../../src/delivery/verify-webhook.js';

const NOW = Date.parse('2026-11-30T10:00:00Z');
const SECRETS = ['a text', `whsec_${Buffer.from('thirty-two bytes that nobody knows').toString('base64')}`];
const item = { id: 'ntf_1', name: 'conflict', calendar: 'nowak', data: { booking: { id: '1' }, note: 'ąę' } };
const body = JSON.stringify(item);

/** A request as the engine sends it. */
const sent = (secret: string, at = NOW, payload = body) => ({
  headers: signHeaders(signingKeyOf(secret) ?? '', 'ntf_1', new Date(at), payload),
  body: payload,
});
const reasonOf = (work: () => unknown): string => {
  try {
    work();
    return 'fine';
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    return error.reason;
  }
};

describe.each(SECRETS)('a request that is signed with %j', (secret) => {
  test('is verified for each type of headers and body', () => {
    const { headers } = sent(secret);
    const upperCase = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    for (const form of [headers, upperCase, new Headers(headers)]) {
      for (const bytes of [body, Buffer.from(body), new TextEncoder().encode(body)]) {
        expect(verifyWebhook({ headers: form, body: bytes }, secret, NOW)).toEqual(item);
      }
    }
  });

  test('is valid for five minutes before and after', () => {
    const at = (ms: number) => reasonOf(() => verifyWebhook(sent(secret, NOW - ms), secret, NOW));
    expect([at(300_000), at(-300_000), at(301_000), at(-301_000)]).toEqual(['fine', 'fine', 'time', 'time']);
    expect(reasonOf(() => verifyWebhook(sent(secret), secret, Number.NaN))).toBe('time');
  });

  test('is refused with another body, another secret, another id, or without a header', () => {
    const good = sent(secret);
    const with_ = (headers: object, payload = body) =>
      reasonOf(() => verifyWebhook({ headers: { ...good.headers, ...headers }, body: payload }, secret, NOW));
    expect(with_({}, `${body} `)).toBe('signature');
    expect(with_({ 'webhook-id': 'ntf_2' })).toBe('signature');
    expect(with_({ 'webhook-signature': 'v1,AAAA' })).toBe('signature');
    expect(
      with_({ 'webhook-signature': String(good.headers['webhook-signature']).replace('v1', 'v2') }),
    ).toBe('signature');
    expect(with_({ 'webhook-timestamp': 'now' })).toBe('headers');
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      expect(with_({ [name]: undefined })).toBe('headers');
    }
    expect(reasonOf(() => verifyWebhook(good, 'another', NOW))).toBe('signature');
  });

  test('may have several signatures, and must be JSON', () => {
    const { headers } = sent(secret);
    const both = { ...headers, 'webhook-signature': `v1,AAAA ${headers['webhook-signature']}` };
    expect(verifyWebhook({ headers: both, body }, secret, NOW)).toEqual(item);
    expect(reasonOf(() => verifyWebhook(sent(secret, NOW, 'no json'), secret, NOW))).toBe('body');
  });
});

test('verifyWebhook accepts what a Standard Webhooks library signs', () => {
  const [, secret = ''] = SECRETS;
  const headers = {
    'webhook-id': 'x',
    'webhook-timestamp': String(NOW / 1000),
    'webhook-signature': new Webhook(secret).sign('x', new Date(NOW), body),
  };
  expect(verifyWebhook({ headers, body }, secret, NOW)).toEqual(item);
});

test.each(['', 'whsec_', 'whsec_no base64'])('verifyWebhook refuses the secret %j', (secret) => {
  expect(() => verifyWebhook(sent('a text'), secret, NOW)).toThrow(TypeError);
});
