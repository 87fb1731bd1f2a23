// Sample rows for tests: one account, one calendar, a window, a slot, notifications.
import type { Slot } from '../../src/core/index.js';
import { Encryptor } from '../../src/crypto/encryptor.js';
import type { Account } from '../../src/db/tables/accounts.js';
import type { Calendar } from '../../src/db/tables/calendars.js';
import type { NewNotification } from '../../src/db/tables/notifications.js';
import type { StoredWindow } from '../../src/db/tables/windows.js';
import { ENCRYPTION_KEY } from './databases.js';

/** Has the key of every engine to which a test passes no other one. */
export const ENCRYPTOR = new Encryptor([Buffer.from(ENCRYPTION_KEY, 'hex')]);

export const NOW = new Date('2026-11-09T08:00:00+01:00');
export const later = (ms: number): Date => new Date(NOW.getTime() + ms);
export const DAY_MS = 24 * 60 * 60 * 1000;

export const account = (changes: Partial<Account> = {}): Account => ({
  id: 'warsaw',
  baseUrl: 'https://www.znanylekarz.pl',
  clientId: 'clinic',
  clientSecret: 's3cret',
  timeZone: 'Europe/Warsaw',
  limits: { writesPerMinute: 40, writesPerHour: 2_400, requestsPerHour: 8_000 },
  notifications: {
    mode: 'off',
    pullEverySeconds: 10,
    header: 'X-Api-Key',
    sweepMinutes: 360,
    maxBytes: 1_048_576,
  },
  ...changes,
});

export const calendar = (changes: Partial<Calendar> = {}): Calendar => ({
  id: 'nowak',
  account: 'warsaw',
  facilityId: '456',
  doctorId: '9876',
  addressId: '789',
  strategy: 'slots',
  ...changes,
});

/** Wall-clock times of Warsaw's winter. */
export const window = (date: string, from: string, to: string): StoredWindow => ({
  date,
  start: new Date(`${date}T${from}+01:00`),
  end: new Date(`${date}T${to}+01:00`),
  services: [{ id: '123', duration: 10 }],
});

export const slot: Slot = {
  start: '2026-11-16T10:00:00+01:00',
  end: '2026-11-16T11:00:00+01:00',
  address_services: [{ address_service_id: '123', duration: 10 }],
};

export const PATIENT = 'Planted Patientowa';
let count = 0;

/** Each call returns a different notification. */
export const newNotification = (changes: Partial<NewNotification> = {}): NewNotification => {
  count += 1;
  return {
    account: 'warsaw',
    calendar: 'nowak',
    name: 'slot-booked',
    hash: `hash-${count}`,
    createdAt: NOW,
    source: 'push',
    booking: `b-${count}`,
    data: { visit_booking: { id: `b-${count}`, patient: { name: PATIENT } } },
    ...changes,
  };
};
