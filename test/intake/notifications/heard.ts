// A clinic that hears the marketplace: a desk with its HTTP API, and bodies as the marketplace would push them.
import { afterEach } from '@jest/globals';
import { addressOf, Desk, type DeskOptions } from '../../chaos/desk.js';
import { type Caller, serve } from '../../server/served.js';

export const API_KEY = 'key-of-the-marketplace';
export const PUSH = '/v1/accounts/many/notifications';

export interface Hearing {
  readonly desk: Desk;
  readonly call: Caller;
  /** Pushes a body: a string or bytes as they are, everything else as JSON. */
  push(body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>;
  items(): Promise<Awaited<ReturnType<Desk['engine']['notifications']>>['items']>;
  /** What is taken on the desk's date. */
  busy(calendar?: string): Promise<readonly unknown[]>;
}

const engines: Desk['engine'][] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

/** With a window from 10:00 to 12:00, and nobody who pushes but the test. */
export async function hearing(options: DeskOptions = {}): Promise<Hearing> {
  const notifications = { mode: 'push', apiKey: API_KEY } as const;
  const desk = await Desk.open({ notifications, ...options });
  engines.push(desk.engine);
  const call = await serve(desk.engine);
  for (const calendar of options.calendars ?? ['nowak']) {
    await desk.open(calendar, desk.date, { from: '10:00', to: '12:00' });
  }
  const push = async (body: unknown, headers: Record<string, string> = {}) => {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(`${call.url}${PUSH}`, {
      method: 'POST',
      headers: { 'x-api-key': API_KEY, 'content-type': 'application/json', ...headers },
      body: isRaw ? (body as string) : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    desk,
    call,
    push,
    items: async () => (await desk.engine.notifications({ limit: 1_000 })).items,
    busy: async (calendar = 'nowak') =>
      (await desk.engine.days(calendar, desk.date, desk.date))?.[0]?.busy ?? [],
  };
}

/** The three that every notification begins with. */
export function placeOf(calendar = 'nowak') {
  const { facilityId, doctorId, addressId } = addressOf(calendar);
  return {
    facility: { id: facilityId, name: 'Made-up clinic' },
    doctor: { id: doctorId, name: 'Ada', surname: 'Example' },
    address: { id: addressId, name: 'Made-up clinic', street: 'Long street 1' },
  };
}

export function visitBooking(desk: Desk, id: string, time: string, more: object = {}) {
  const start = Date.parse(desk.at(time));
  return {
    id,
    status: 'booked',
    start_at: desk.at(time),
    end_at: desk.at(new Date(start + 20 * 60_000 + offset(desk, time)).toISOString().slice(11, 16)),
    duration: 20,
    booked_by: 'user',
    address_service: { id: 'visit', name: 'Visit' },
    patient: { name: 'Pat', surname: 'Example', email: 'pat@example.com', phone: '+48000000000' },
    ...more,
  };
}

/** Milliseconds from UTC to the wall clock. */
function offset(desk: Desk, time: string): number {
  return Date.parse(`${desk.date}T${time}:00Z`) - Date.parse(desk.at(time));
}

export function said(
  name: string,
  data: object,
  calendar = 'nowak',
  createdAt = '2026-01-01T10:00:00+01:00',
) {
  return { name, data: { ...placeOf(calendar), ...data }, created_at: createdAt };
}
