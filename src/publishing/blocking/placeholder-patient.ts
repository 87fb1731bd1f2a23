/** The patient of a placeholder where the account configures none: never a real patient. Contract: bookSlot. */
import type { WirePatient } from '../../docplanner/index.js';

export const PLACEHOLDER_PATIENT: WirePatient = {
  name: 'Slotkeeper',
  surname: 'Placeholder',
  email: 'placeholder@example.com',
  phone: '+48000000000',
};
