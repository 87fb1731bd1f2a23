// A process of a clinic to which the marketplace pushes, for tests that need it to be one.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Clinic, Running } from '../cli/clinic.js';
import { ADDRESS, upcomingExample } from '../engine/founding-example.js';

const PUSH = '/v1/accounts/warsaw/notifications';
export const PUSH_KEY = 'key-of-the-marketplace';
export const { date, events } = upcomingExample();
export const [available] = events;

/** With what its slotkeeper.yaml says besides. */
export function configure({ folder }: Clinic, notifications: object, more: object = {}): void {
  const file = join(folder, 'slotkeeper.yaml');
  const config = parse(readFileSync(file, 'utf8'));
  const accounts = config.accounts.map((account: object) => ({ ...account, notifications }));
  writeFileSync(file, stringify({ ...config, accounts, ...more }));
}

/** @param minute after midnight, in UTC: each has a time of its own */
export function slotBooked(id: string, minute: number, patient: object = { name: 'Pat' }, comment = '') {
  const at = (m: number) => new Date(Date.parse(`${date}T00:00:00Z`) + m * 60_000);
  const iso = (m: number) => at(m).toISOString().replace('.000Z', '+00:00');
  return {
    name: 'slot-booked',
    data: {
      facility: { id: ADDRESS.facilityId },
      doctor: { id: ADDRESS.doctorId },
      address: { id: ADDRESS.addressId },
      visit_booking: {
        id,
        status: 'booked',
        start_at: iso(minute),
        end_at: iso(minute + 1),
        booked_by: 'user',
        address_service: { id: '123' },
        patient,
        comment,
      },
    },
    created_at: '2026-01-01T10:00:00+01:00',
  };
}

export const push = ({ call }: Pick<Running, 'call'>, body: unknown) =>
  call('POST', PUSH, body, { 'x-api-key': PUSH_KEY }).then(
    ({ status }) => status,
    () => undefined,
  );
