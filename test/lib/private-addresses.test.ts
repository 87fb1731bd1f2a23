// Which addresses may be asked, in every spelling, and what is looked at when a connection is made.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import got from 'got';
import { isPrivateAddressError, LOOPBACK, PrivateAddresses } from '../../src/lib/private-addresses.js';
import { systemTimers } from '../../src/lib/timers.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';

type Resolve = NonNullable<ConstructorParameters<typeof PrivateAddresses>[1]>;

/** A name server that says this of every name, the next one of the next question. */
const resolvingTo = (...answers: readonly (readonly string[])[]): Resolve => {
  let turn = 0;
  return (_host, _options, done) => {
    const addresses = answers[Math.min(turn, answers.length - 1)] ?? [];
    turn += 1;
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
};

describe('an address', () => {
  test.each([
    [
      '0.0.0.0',
      '0.1.2.3',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '127.255.255.255',
      '172.16.0.1',
      '172.31.255.255',
    ],
    [
      '192.168.1.1',
      '192.0.0.8',
      '192.0.2.1',
      '198.18.0.1',
      '203.0.113.9',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
    ],
    [
      '::',
      '::1',
      '::127.0.0.1',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      'fc00::1',
    ],
    ['fd12::1', 'fec0::1', 'ff02::1', '2002:7f00:1::', '2001::1', '2001:db8::1', '100::1', 'nonsense'],
  ])('%s, %s, %s, %s, %s, %s, %s, %s is refused', (...addresses) => {
    for (const address of addresses) {
      expect([address, new PrivateAddresses([]).refusalOf(address)]).toEqual([address, expect.any(String)]);
    }
  });

  test.each([
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '64:ff9b::101:101',
    '::ffff:1.1.1.1',
  ])('%s is not', (address) => {
    expect(new PrivateAddresses([]).refusalOf(address)).toBeUndefined();
  });

  test('that is listed is not refused, in any of its forms, and no other is', () => {
    const addresses = new PrivateAddresses(['10.1.0.0/16', '192.168.7.7', 'fd00::/8', '0.0.0.0/0', '::/0']);
    const strict = new PrivateAddresses(['10.1.0.0/16', '192.168.7.7', 'fd00::/8']);
    for (const one of ['10.1.2.3', '::ffff:10.1.2.3', '64:ff9b::a01:203', '192.168.7.7', 'fd00::1']) {
      expect(strict.refusalOf(one)).toBeUndefined();
    }
    for (const one of ['10.2.0.1', '192.168.7.8', '127.0.0.1', 'fc00::1', '64:ff9b::a02:1']) {
      expect(strict.refusalOf(one)).toContain('network.allowPrivate');
    }
    for (const one of [
      '169.254.169.254',
      'fe80::1',
      '::ffff:169.254.169.254',
      '64:ff9b::a9fe:a9fe',
      'fe80::1%eth0',
    ]) {
      expect(addresses.refusalOf(one)).toBe('is a link-local address, which is never asked');
    }
  });
});

describe('a URL', () => {
  const refusalOf = (url: string, resolve?: Resolve) =>
    new PrivateAddresses([], resolve).refusalOfUrl(url, systemTimers);

  test.each([
    'http://127.0.0.1:8080/x',
    'http://2130706433',
    'http://0x7f000001',
    'http://0x7f.1',
    'http://0177.0.0.1',
    'http://017700000001',
    'http://127.1',
    'http://127.0.0.1.',
    'http://0',
    'http://①②⑦.⓪.⓪.①',
    'http://127。0。0。1',
    'http://[::1]',
    'http://[0:0:0:0:0:0:0:1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[::127.0.0.1]',
    'http://[64:ff9b::10.0.0.1]',
    'http://localhost',
    'http://LOCALHOST.',
    'http://pms.localhost',
    'https://169.254.169.254/latest',
    'http://[fe80::1]',
  ])('%s is refused without a question to anybody', async (url) => {
    const nobody: Resolve = () => {
      throw new Error('asked');
    };
    expect(await refusalOf(url, nobody)).toEqual(expect.any(String));
  });

  test('of a loopback address is refused however it is spelled', async () => {
    const part = (text: string) =>
      fc.constantFrom(text, Number(text).toString(8).padStart(5, '0'), `0x${Number(text).toString(16)}`);
    const byte = fc.integer({ min: 0, max: 255 }).map(String);
    const spelled = fc
      .tuple(byte, byte, byte)
      .chain((rest) => fc.tuple(...['127', ...rest].map(part)).map((parts) => parts.join('.')));
    await fc.assert(
      fc.asyncProperty(spelled, async (host) => {
        expect(await refusalOf(`http://${host}/`)).toContain('network.allowPrivate');
      }),
    );
  });

  test('whose name stands for several addresses is refused for each of them', async () => {
    expect(await refusalOf('http://a.example', resolvingTo(['1.1.1.1', '10.0.0.1']))).toContain('private');
    expect(await refusalOf('http://a.example', resolvingTo(['1.1.1.1', '2606:4700::1']))).toBeUndefined();
  });

  test('whose name cannot be resolved, or not in time, is left for the connection', async () => {
    const broken: Resolve = (_host, _options, done) =>
      done(Object.assign(new Error(), { code: 'EAI_AGAIN' }), []);
    expect(await refusalOf('http://a.example', broken)).toBeUndefined();
    const timers = new ManualTimers();
    const asked = new PrivateAddresses([], () => {}).refusalOfUrl('http://a.example', timers);
    await timers.advance(3_000);
    expect(await asked).toBeUndefined();
  });
});

describe('a connection', () => {
  const answering = async () => {
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      response.end('inner');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEndOfTest(async () => void server.close());
    return { port: (server.address() as AddressInfo).port, requests: () => requests };
  };
  const ask = async (addresses: PrivateAddresses, url: string) =>
    await got(url, { agent: addresses.agents, retry: { limit: 0 } })
      .text()
      .then(
        (text) => text,
        (error: unknown) => (isPrivateAddressError(error) ? 'refused' : error),
      );

  test.each(['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'localhost'])(
    'to %s is refused',
    async (host) => {
      const { port, requests } = await answering();
      expect(await ask(new PrivateAddresses([]), `http://${host}:${port}`)).toBe('refused');
      expect(await ask(new PrivateAddresses([]), `https://${host}:${port}`)).toBe('refused');
      expect(requests()).toBe(0);
    },
  );

  test('to a port where nobody listens is refused in the same words', async () => {
    const { port, requests } = await answering();
    const addresses = new PrivateAddresses([]);
    for (const url of [`http://127.0.0.1:${port}`, 'http://127.0.0.1:1']) {
      const error = await got(url, { agent: addresses.agents, retry: { limit: 0 } }).then(
        () => undefined,
        (error: Error) => error.message,
      );
      expect(error).toBe('is a private address, and network.allowPrivate does not list it');
    }
    expect(requests()).toBe(0);
  });

  test('to a name is held against the address that it is made to', async () => {
    const { port, requests } = await answering();
    // The name server has another answer for the second question.
    const rebinding = new PrivateAddresses([], resolvingTo(['1.1.1.1'], ['127.0.0.1']));
    const url = `http://rebinding.example:${port}`;
    expect(await rebinding.refusalOfUrl(url, systemTimers)).toBeUndefined();
    expect(await ask(rebinding, url)).toBe('refused');
    expect(requests()).toBe(0);
    expect(await ask(new PrivateAddresses(LOOPBACK, resolvingTo(['127.0.0.1'])), url)).toBe('inner');
    expect(requests()).toBe(1);
  });

  test('to what is listed is made', async () => {
    const { port } = await answering();
    expect(await ask(new PrivateAddresses(LOOPBACK), `http://127.0.0.1:${port}`)).toBe('inner');
    expect(await ask(new PrivateAddresses(LOOPBACK), `http://localhost:${port}`)).toBe('inner');
  });
});
