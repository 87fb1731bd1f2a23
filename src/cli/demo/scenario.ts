/** The demo's scenario: three doctors, and the clinic's events of one morning. The first event is the founding example. */
import type { OccupancyEvent } from '../../clinic/occupancy-event.js';

export interface Doctor {
  /** The calendar's id. */
  readonly id: string;
  readonly name: string;
  readonly address: { readonly facilityId: string; readonly doctorId: string; readonly addressId: string };
  /** Wall-clock times of the demo's day. */
  readonly from: string;
  readonly to: string;
  readonly services: readonly { readonly id: string; readonly duration: number }[];
}

export interface Happening {
  readonly doctor: string;
  readonly says: string;
  readonly event: OccupancyEvent;
}

export const TIME_ZONE = 'Europe/Warsaw';

export const doctors: readonly Doctor[] = [
  {
    id: 'nowak',
    name: 'Dr Nowak',
    address: { facilityId: '456', doctorId: '9876', addressId: '789' },
    from: '10:00',
    to: '11:00',
    services: [{ id: '123', duration: 10 }],
  },
  {
    id: 'lis',
    name: 'Dr Lis',
    address: { facilityId: '456', doctorId: '9877', addressId: '790' },
    from: '09:00',
    to: '13:00',
    services: [{ id: '201', duration: 20 }],
  },
  {
    id: 'wrona',
    name: 'Dr Wrona',
    address: { facilityId: '456', doctorId: '9878', addressId: '791' },
    from: '08:30',
    to: '12:30',
    services: [
      { id: '301', duration: 15 },
      { id: '302', duration: 30 },
    ],
  },
];

/** @param date the local date, `YYYY-MM-DD` */
export function windowsOf(doctor: Doctor, date: string): OccupancyEvent {
  const window = {
    start: `${date}T${doctor.from}`,
    end: `${date}T${doctor.to}`,
    services: [...doctor.services],
  };
  return {
    id: `open-${doctor.id}`,
    type: 'available',
    calendar: doctor.id,
    from: date,
    to: date,
    windows: [window],
  };
}

/** @param date the local date, `YYYY-MM-DD` */
export function scenario(date: string): readonly Happening[] {
  const occupied = (
    id: string,
    doctor: string,
    ref: string,
    start: string,
    end: string,
    says: string,
  ): Happening => ({
    doctor,
    says,
    event: {
      id,
      type: 'occupied',
      calendar: doctor,
      ref,
      start: `${date}T${start}`,
      end: `${date}T${end}`,
      kind: ref.startsWith('block') ? 'block' : 'booking',
    },
  });
  const released = (id: string, doctor: string, ref: string, says: string): Happening => ({
    doctor,
    says,
    event: { id, type: 'released', calendar: doctor, ref },
  });
  return [
    occupied('evt-1', 'nowak', 'apt-1', '10:30', '10:40', 'a patient at the desk books 10:30 to 10:40'),
    occupied('evt-2', 'lis', 'apt-2', '09:20', '09:40', 'booked 09:20 to 09:40'),
    occupied('evt-3', 'wrona', 'apt-3', '09:00', '09:30', 'booked 09:00 to 09:30'),
    occupied('evt-4', 'lis', 'apt-4', '11:00', '11:40', 'booked 11:00 to 11:40'),
    occupied('evt-5', 'wrona', 'block-1', '10:30', '11:00', 'blocked 10:30 to 11:00 for a meeting'),
    occupied('evt-6', 'lis', 'apt-2', '10:00', '10:20', '09:20 is moved to 10:00'),
    released('evt-7', 'wrona', 'apt-3', '09:00 is cancelled'),
    occupied('evt-8', 'nowak', 'apt-5', '10:00', '10:10', 'booked 10:00 to 10:10'),
  ];
}
