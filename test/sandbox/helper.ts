// Starts a sandbox on a free loopback port with a fixed clock, and an HTTP client that uses only its API.
import { afterEach } from '@jest/globals';
import got, { type Got, type Method, type Response } from 'got';
import { Sandbox, type SandboxOptions } from '../../src/sandbox/index.js';
import { ManualTimers } from '../support/manual-timers.js';

/** Monday, 2026-11-16 08:00 in Warsaw. */
export const MORNING = Date.parse('2026-11-16T08:00:00+01:00');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const ADDRESS = { facilityId: '456', doctorId: '9876', addressId: '789' };
export const A = '/facilities/456/doctors/9876/addresses/789';

export interface Answered {
  readonly status: number;
  readonly headers: Response['headers'];
  readonly text: string;
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface Partner {
  (method: Method, path: string, body?: unknown): Promise<Answered>;
  readonly http: Got;
}

const started: Sandbox[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((sandbox) => sandbox.stop()));
});

/** The default clock is fixed at {@link MORNING}, and the default timers are manual. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = new Sandbox({ now: () => MORNING, timers: new ManualTimers(), ...options });
  started.push(sandbox);
  await sandbox.start();
  return sandbox;
}

export async function takeToken(sandbox: Sandbox, id = 'clinic', secret = 's3cret'): Promise<string> {
  const answer = await got.post(`${sandbox.url}/oauth/v2/token`, {
    username: id,
    password: secret,
    form: { grant_type: 'client_credentials', scope: 'integration' },
    retry: { limit: 0 },
  });
  return JSON.parse(answer.body).access_token;
}

/** Sends requests with a token of the client. It resolves for every status and rejects only without a response. */
export async function partner(sandbox: Sandbox, id?: string, secret?: string): Promise<Partner> {
  const token = await takeToken(sandbox, id, secret);
  const http = got.extend({
    prefixUrl: `${sandbox.url}/api/v3/integration`,
    headers: { authorization: `Bearer ${token}` },
    throwHttpErrors: false,
    retry: { limit: 0 },
    timeout: { request: 60_000 },
  });
  const send = async (method: Method, path: string, body?: unknown): Promise<Answered> => {
    const payload = body === undefined ? {} : typeof body === 'string' ? { body } : { json: body };
    return answered(await http(path.replace(/^\//, ''), { method, ...payload }));
  };
  return Object.assign(send, { http });
}

export function answered(response: Response<string>): Answered {
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  const text = response.body;
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

/** An entry of replaceSlots on a date in Warsaw's winter. */
export function period(
  start: string,
  end: string,
  services: readonly [string, number][] = [['123', 10]],
  date = '2026-11-16',
) {
  return {
    start: `${date}T${start}:00+01:00`,
    end: `${date}T${end}:00+01:00`,
    address_services: services.map(([address_service_id, duration]) => ({ address_service_id, duration })),
  };
}

export const slotsPath = (from: string, to: string, more = '') =>
  `${A}/slots?start=${encodeURIComponent(from)}&end=${encodeURIComponent(to)}${more}`;

export const DAY = ['2026-11-16T00:00:00+01:00', '2026-11-17T00:00:00+01:00'] as const;

/** The bookable starts on {@link DAY}: `10:00`, `10:10`, ... */
export function patientTimes(sandbox: Sandbox, address = ADDRESS): readonly string[] {
  return sandbox.patientView(address, ...DAY).map(({ start }) => start.slice(11, 16));
}
