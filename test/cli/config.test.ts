import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../src/config/config-error.js';
import { readEnvironment } from '../../src/config/environment.js';
import { parseConfig } from '../../src/config/load.js';
import { Slotkeeper } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';

const ENVIRONMENT = {
  DOCPLANNER_CLIENT_ID: 'clinic',
  DOCPLANNER_CLIENT_SECRET: `s3cret: "with" \${everything} # in it, \\ and {braces}`,
  PUSH_KEY: 'push-key',
  HOOK_SECRET: 'hook-secret',
};

const EXAMPLE = `
accounts:
  - id: warsaw
    domain: znanylekarz.pl            # → https://www.znanylekarz.pl ; baseUrl: overrides it (sandbox, tests)
    clientId: \${DOCPLANNER_CLIENT_ID}
    clientSecret: \${DOCPLANNER_CLIENT_SECRET}
    timeZone: Europe/Warsaw
    limits: { writesPerMinute: 40, writesPerHour: 2400, requestsPerHour: 8000 }
    notifications: { mode: pull, pullEverySeconds: 10, apiKey: \${PUSH_KEY} }   # push | pull | both | off
calendars:
  - { id: nowak, account: warsaw, facilityId: '456', doctorId: '9876', addressId: '789', strategy: slots }   # slots | breaks | book
resync: { cron: '0 3 * * *' }         # in each account's zone
publish: { debounceMs: 250, verify: always }   # always | sampled | off
delivery: { url: https://pms.example/hooks/slotkeeper, secret: \${HOOK_SECRET} }
`;

const parse = (text: string, environment: Readonly<Record<string, string>> = ENVIRONMENT) =>
  parseConfig(text, 'slotkeeper.yaml', environment);

/** The paths and reasons of all problems. */
function problemsOf(read: () => unknown): readonly (readonly [string, string])[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, reason }) => [path, reason]);
    throw error;
  }
  throw new Error('nothing is wrong');
}

const account = (id: string, more = '') =>
  `{ id: ${id}, domain: jameda.de, clientId: c, clientSecret: s${more && `, ${more}`} }`;
const calendar = (id: string, addressId: number, more = '') =>
  `{ id: ${id}, account: a, facilityId: 1, doctorId: 2, addressId: ${addressId}${more && `, ${more}`} }`;

describe('slotkeeper.yaml', () => {
  test('is accepted as documented, with values of the environment', () => {
    expect(parse(EXAMPLE)).toMatchObject({
      accounts: [
        {
          id: 'warsaw',
          domain: 'znanylekarz.pl',
          clientId: 'clinic',
          clientSecret: ENVIRONMENT.DOCPLANNER_CLIENT_SECRET,
          timeZone: 'Europe/Warsaw',
          limits: { writesPerMinute: 40, writesPerHour: 2_400, requestsPerHour: 8_000 },
          notifications: { mode: 'pull', pullEverySeconds: 10, apiKey: 'push-key' },
        },
      ],
      calendars: [
        {
          id: 'nowak',
          account: 'warsaw',
          facilityId: '456',
          doctorId: '9876',
          addressId: '789',
          strategy: 'slots',
        },
      ],
      resync: { cron: '0 3 * * *' },
      publish: { debounceMs: 250, verify: 'always' },
      delivery: { url: 'https://pms.example/hooks/slotkeeper', secret: 'hook-secret' },
    });
  });

  test.each(['', '# nothing yet', '{}'])('may be empty (%j)', (text) => {
    expect(parse(text)).toMatchObject({ accounts: [], calendars: [], publish: { verify: 'always' } });
  });

  test('is refused with every variable that is not set, and its path', () => {
    expect(problemsOf(() => parse(EXAMPLE, { DOCPLANNER_CLIENT_ID: 'c', PUSH_KEY: '' }))).toEqual([
      ['accounts[0].clientSecret', 'the environment variable DOCPLANNER_CLIENT_SECRET is not set'],
      ['accounts[0].notifications.apiKey', 'the environment variable PUSH_KEY is not set'],
      ['delivery.secret', 'the environment variable HOOK_SECRET is not set'],
    ]);
  });

  test.each([
    ['publish: { debounce: 3 }', 'publish.debounce', /is not known here/],
    ['acounts: []', 'acounts', /is not known here/],
    [`accounts: [${account('a', 'tiemZone: UTC')}]`, 'accounts[0].tiemZone', /is not known here/],
    [`accounts: [${account('a', 'timeZone: Mars')}]`, 'accounts[0].timeZone', /is not a time zone/],
    [`accounts: [${account('a')}, ${account('a')}]`, 'accounts[1].id', /"a" is there twice/],
    [`accounts: [${account('"a b"')}]`, 'accounts[0].id', /letters, digits/],
    ['accounts: [{ id: a, clientId: c, clientSecret: s }]', 'accounts[0].domain', /either domain or baseUrl/],
    [
      'accounts: [{ id: a, clientId: c, clientSecret: s, domain: other.example }]',
      'accounts[0].timeZone',
      /is required/,
    ],
    [
      'accounts: [{ id: a, clientId: c, clientSecret: s, domain: www.jameda.de }]',
      'accounts[0].domain',
      /bare domain/,
    ],
    [`calendars: [${calendar('n', 3)}, ${calendar('n', 4)}]`, 'calendars[1].id', /"n" is there twice/],
    [
      `calendars: [${calendar('n', 3)}, ${calendar('m', 3)}]`,
      'calendars[1]',
      /same doctor and address as calendar "n"/,
    ],
    [`calendars: [${calendar('n', 3, 'strategy: magic')}]`, 'calendars[0].strategy', /slots/],
    ['publish: { verify: maybe }', 'publish.verify', /always/],
    ['publish: { debounceMs: -1 }', 'publish.debounceMs', /./],
    ['delivery: { events: [published, faild] }', 'delivery.events[1]', /did you mean "failed"\?/],
    ['delivery: { events: published }', 'delivery.events', /list/],
    [
      `accounts: [${account('a', 'delivery: { url: "https://a.example", secret: s, events: [acount-paused] }')}]`,
      'accounts[0].delivery.events[0]',
      /did you mean "account-paused"\?/,
    ],
    ['just words', '', /./],
  ])('is refused for %s', (text, path, reason) => {
    expect(problemsOf(() => parse(text))).toEqual(
      expect.arrayContaining([[path, expect.stringMatching(reason)]]),
    );
  });

  test.each([
    ['accounts: [', /^line 1$/],
    ['publish:\n  verify: off\n  verify: always', /^line 3$/],
    ['a: 1\n---\nb: 2', /^line \d$/],
  ])('is refused with the line where it is not YAML (%j)', (text, line) => {
    expect(problemsOf(() => parse(text))).toEqual([[expect.stringMatching(line), expect.any(String)]]);
  });

  test('is refused without its values, which may be secrets', () => {
    const text = `accounts: [{ id: a, clientId: c, clientSecret: [s3cret], domain: s3cret, timeZone: s3cret, limits: s3cret }]`;
    expect(JSON.stringify(problemsOf(() => parse(text)))).not.toContain('s3cret');
  });

  test('is validated in the same way where a program passes it to the engine', () => {
    const config = { publish: { debounceMs: 0.5 } };
    expect(problemsOf(() => new Slotkeeper({ config, log: createLog('silent') }))).toEqual([
      ['publish.debounceMs', expect.any(String)],
    ]);
  });
});

describe('the environment', () => {
  test.each([
    ['1', 1],
    ['10.0.0.5', ['10.0.0.5']],
    ['10.0.0.5, 2001:db8::/32', ['10.0.0.5', '2001:db8::/32']],
  ])('configures the trusted proxies: %s', (text, proxies) => {
    expect(readEnvironment({ HTTP_TRUST_PROXY: text }).HTTP_TRUST_PROXY).toEqual(proxies);
  });

  test.each(['0', '11', 'true', 'proxy.example', '10.0.0.0/33', '10.0.0.5,'])(
    'refuses what names no proxies: %s',
    (text) => {
      expect(problemsOf(() => readEnvironment({ HTTP_TRUST_PROXY: text }))).toEqual([
        ['HTTP_TRUST_PROXY', expect.stringMatching(/must be a number of proxies/)],
      ]);
    },
  );

  test('has defaults, and an empty variable counts as not set', () => {
    expect(readEnvironment({ DATABASE_URL: '', PORT: '', OTHER: 'x' })).toEqual({
      SLOTKEEPER_DATA: '.slotkeeper',
      HOST: '127.0.0.1',
      PORT: 8080,
      LOG_LEVEL: 'info',
    });
  });

  test('is refused with the names of all invalid variables, without their values', () => {
    const wrong = { PORT: '70000', REDIS_URL: 'http://s3cret', DATABASE_URL: 's3cret', LOG_LEVEL: 'loud' };
    const problems = problemsOf(() => readEnvironment(wrong));
    expect(problems.map(([path]) => path).sort()).toEqual(['DATABASE_URL', 'LOG_LEVEL', 'PORT', 'REDIS_URL']);
    expect(JSON.stringify(problems)).not.toContain('s3cret');
  });
});
