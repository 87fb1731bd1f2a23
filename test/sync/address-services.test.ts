// What an address has is watched: services that are gone are left out, reported and told, and so is a calendar that is off.
import { expect, test } from '@jest/globals';
import { addressOf, Desk, type DeskOptions } from '../chaos/desk.js';

const VISIT = { id: 'visit', name: 'Visit' };
const CHECK = { id: 'check', name: 'Check-up' };

/** An address that has these services and no others, on sale from 10:00 to 11:00 with both. */
async function opened(options: DeskOptions = {}): Promise<Desk> {
  const { facilityId, doctorId, addressId } = addressOf('nowak');
  const address = { id: addressId, services: [VISIT, CHECK] };
  const estate = { facilities: [{ id: facilityId, doctors: [{ id: doctorId, addresses: [address] }] }] };
  const desk = await Desk.open({ still: true, ...options, sandbox: { estate, ...options.sandbox } });
  await offer(desk, VISIT.id, CHECK.id);
  await desk.rest();
  return desk;
}

async function offer(desk: Desk, ...services: readonly string[]): Promise<void> {
  const { date } = desk;
  const window = {
    start: `${date}T10:00:00`,
    end: `${date}T11:00:00`,
    services: services.map((id) => ({ id, duration: 20 })),
  };
  await desk.say({ type: 'available', calendar: 'nowak', from: date, to: date, windows: [window] });
}

test.each(['slots', 'breaks', 'book'] as const)(
  'with %s, time that is taken is closed at once although a service is gone from the address',
  async (strategy) => {
    const desk = await opened({ strategy });
    desk.sandbox.setServices(addressOf('nowak'), [VISIT]);

    await desk.book('apt-1', '10:20', '10:40');
    await desk.rest();

    expect(desk.shown()).toEqual(['10:00', '10:40']);
  },
);

test('a service that is gone is left out of the day that names it', async () => {
  const desk = await opened();
  desk.sandbox.setServices(addressOf('nowak'), [VISIT]);
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  const [last] = desk.requests('replaceSlots').slice(-1);
  expect(JSON.stringify(last?.body)).not.toContain('check');
});
