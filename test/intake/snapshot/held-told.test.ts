import { expect, test } from '@jest/globals';
import { Desk } from '../../chaos/desk.js';

test('what is held is told to the clinic, once, and counted in the status', async () => {
  const desk = await Desk.open();
  await desk.open();
  await desk.rest();
  const emptied = { from: desk.date, to: desk.date, complete: true, windows: [], occupancy: [] };

  const outcome = await desk.engine.snapshot('nowak', emptied);

  expect(outcome).toMatchObject({ kind: 'taken', result: { held: { dates: [desk.date] } } });
  expect((await desk.engine.status()).held).toBe(1);
  const { items } = await desk.engine.notifications();
  expect(items).toMatchObject([
    {
      name: 'held',
      account: 'many',
      calendar: 'nowak',
      data: { cause: 'snapshot', dates: [desk.date], losses: [{ scope: 'calendar', of: 'windows' }] },
    },
  ]);
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
});
