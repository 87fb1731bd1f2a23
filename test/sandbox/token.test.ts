import { describe, expect, test } from '@jest/globals';
import got from 'got';
import { A, HOUR, MORNING, partner, period, startSandbox, takeToken } from './helper.js';

const ask = (url: string, options: object) =>
  got.post(`${url}/oauth/v2/token`, { throwHttpErrors: false, retry: { limit: 0 }, ...options });
const form = { grant_type: 'client_credentials', scope: 'integration' };

describe('the token endpoint', () => {
  test('gives a bearer token for Basic credentials and a form body', async () => {
    const sandbox = await startSandbox({ tokenSeconds: 86_400 });
    const answer = await ask(sandbox.url, { username: 'clinic', password: 's3cret', form });
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({
      access_token: expect.any(String),
      expires_in: 86_400,
      token_type: 'bearer',
      scope: null,
    });
  });

  test.each([
    ['a form', 'form', (fields: Record<string, string>) => ({ form: fields })],
    [
      'multipart, as the official client does',
      'multipart',
      (fields: Record<string, string>) => {
        const body = new FormData();
        for (const [name, value] of Object.entries(fields)) body.append(name, value);
        return { body };
      },
    ],
  ])('takes the credentials in %s', async (_what, id, payload) => {
    const sandbox = await startSandbox({ clients: [{ id, secret: 's3cret' }] });
    const fields = { ...form, client_id: id, client_secret: 's3cret' };
    const answer = await ask(sandbox.url, payload(fields));
    expect(JSON.parse(answer.body)).toMatchObject({ access_token: expect.any(String) });
    const [record] = sandbox.requests;
    expect(record).toMatchObject({ client: id, body: form });
    expect(JSON.stringify(record)).not.toContain('s3cret');
    expect((await ask(sandbox.url, payload({ ...fields, client_secret: 'guess' }))).statusCode).toBe(401);
  });

  test('refuses wrong and missing credentials with 401', async () => {
    const sandbox = await startSandbox({ clients: [{ id: 'clinic', secret: 's3cret' }] });
    const wrong = await ask(sandbox.url, { username: 'clinic', password: 'guess', form });
    expect(wrong.statusCode).toBe(401);
    expect(JSON.parse(wrong.body)).toMatchObject({ error: 'invalid_client' });
    expect((await ask(sandbox.url, { form })).statusCode).toBe(401);
  });

  test('refuses another grant, another scope and a body that is no form with 400', async () => {
    const { url } = await startSandbox();
    const who = { username: 'clinic', password: 's3cret' };
    expect((await ask(url, { ...who, form: { ...form, grant_type: 'password' } })).statusCode).toBe(400);
    expect((await ask(url, { ...who, form: { grant_type: 'client_credentials' } })).statusCode).toBe(400);
    expect((await ask(url, { ...who, json: form })).statusCode).toBe(400);
  });

  test('answers a client that requests too many tokens with the firewall page, when the limit is switched on', async () => {
    const { url } = await startSandbox({ limits: { tokensPerHour: 2 } });
    const who = { username: 'clinic', password: 's3cret', form };
    await ask(url, who);
    await ask(url, who);
    const third = await ask(url, who);
    expect(third.statusCode).toBe(405);
    expect(third.headers['content-type']).toMatch(/text\/html/);
  });
});

describe('a token', () => {
  test('is required by every operation', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const path = `${sandbox.url}/api/v3/integration${A}/calendar`;
    const without = await got(path, { throwHttpErrors: false });
    expect(without.statusCode).toBe(401);
    expect(JSON.parse(without.body)).toEqual({ errors: [], message: expect.any(String) });
    expect(
      (await got(path, { throwHttpErrors: false, headers: { authorization: 'Bearer none' } })).statusCode,
    ).toBe(401);
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
  });

  test('expires by the given clock, and when it is revoked', async () => {
    let now = MORNING;
    const sandbox = await startSandbox({ now: () => now });
    const send = await partner(sandbox);
    now += HOUR - 1;
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
    now += 1;
    expect((await send('GET', `${A}/calendar`)).status).toBe(401);
    const next = await partner(sandbox);
    sandbox.revokeTokens('clinic');
    expect((await next('GET', `${A}/calendar`)).status).toBe(401);
  });

  test('is not in the request log, and no secret is', async () => {
    const sandbox = await startSandbox();
    const token = await takeToken(sandbox, 'clinic', 'hush-hush');
    await ask(sandbox.url, {
      username: 'clinic',
      password: 'hush-hush',
      form: { ...form, client_secret: 'hush-hush' },
    });
    const send = await partner(sandbox, 'clinic', 'hush-hush');
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
    const log = JSON.stringify(sandbox.requests);
    expect(log).toContain('"client":"clinic"');
    expect(log).not.toContain('hush-hush');
    expect(log).not.toContain(token);
    expect(log).not.toContain(Buffer.from('clinic:hush-hush').toString('base64'));
  });
});
