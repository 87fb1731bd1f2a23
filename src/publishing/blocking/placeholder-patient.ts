/** Who a placeholder is booked for, where the account says nobody else: never a real patient. Contract: bookSlot. */
import type { WirePatient } from '../../docplanner/index.js';

export const PLACEHOLDER_PATIENT: WirePatient = {
  name: 'Slotkeeper',
  surname: 'Placeholder',
  email: 'placeholder@example.com',
  phone: '+48000000000',
};
