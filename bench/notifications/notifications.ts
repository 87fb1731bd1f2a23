/** What the marketplace would push: bookings that are each one's first, and questions about times that nobody has. */
import { addressOf } from '../publish/backends.js';
import { dayAhead } from '../publish/events.js';

export const CALENDARS = 200;
/** The window of a calendar's day, in hours. */
export const FROM_HOUR = 6;
const VISITS_A_DAY = 96;
/** Each calendar has windows on so many days, from this one on. */
export const FIRST_DAY = 5;
export const DAYS = 12;
/** The last day's are for questions. */
export const QUESTIONS = CALENDARS * VISITS_A_DAY * (DAYS - 1);
const MINUTES = 10;

const place = (calendar: number) => {
  const { facilityId, doctorId, addressId } = addressOf(calendar);
  return {
    facility: { id: facilityId, name: 'Made-up clinic' },
    doctor: { id: doctorId, name: 'Ada', surname: 'Example' },
    address: { id: addressId, name: 'Made-up clinic', street: 'Long street 1' },
  };
};

/** Each n has a time of its own. */
function visit(n: number) {
  const calendar = n % CALENDARS;
  const slot = Math.floor(n / CALENDARS);
  const date = dayAhead(FIRST_DAY + Math.floor(slot / VISITS_A_DAY));
  const minute = FROM_HOUR * 60 + (slot % VISITS_A_DAY) * MINUTES;
  const start = Date.parse(`${date}T00:00:00Z`) + minute * 60_000;
  return {
    calendar,
    start_at: instant(start),
    end_at: instant(start + MINUTES * 60_000),
    duration: MINUTES,
    address_service: { id: '1', name: 'Visit', price: 50, is_price_from: false },
    patient: {
      name: 'Pat',
      surname: 'Example',
      email: 'pat@example.com',
      phone: '+48000000000',
      birth_date: '1985-01-01',
      gender: 'f',
    },
    comment: 'Additional information about the visit',
  };
}

const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;

export function slotBooked(n: number): string {
  const { calendar, ...booking } = visit(n);
  const about = { id: String(1_000_000 + n), status: 'booked', booked_by: 'user', ...booking };
  const data = { ...place(calendar), visit_booking: about };
  return JSON.stringify({ name: 'slot-booked', data, created_at: instant(Date.now()) });
}

export function slotBooking(n: number): string {
  const { calendar, ...booking } = visit(n);
  const data = { ...place(calendar), visit_booking_request: booking };
  return JSON.stringify({ name: 'slot-booking', data, created_at: instant(Date.now()) });
}
