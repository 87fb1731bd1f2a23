import { describe, expect, test } from '@jest/globals';
import { A, ADDRESS, partner, patientTimes, period, startSandbox } from './helper.js';

const at = (time: string) => `2026-11-16T${time}:00+01:00`;
const breaksPath = (since: string, till: string) =>
  `${A}/breaks?since=${encodeURIComponent(at(since))}&till=${encodeURIComponent(at(till))}`;
const LUNCH = { since: at('10:20'), till: at('10:40'), description: 'lunch' };

async function published() {
  const sandbox = await startSandbox();
  const send = await partner(sandbox);
  await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
  return { sandbox, send };
}

describe('a calendar break', () => {
  test('occupies its time and remains when the slots change', async () => {
    const { sandbox, send } = await published();
    const added = await send('POST', `${A}/breaks`, LUNCH);
    expect(added).toMatchObject({ status: 201, body: LUNCH });
    expect(added.headers.location).toBe(`/api/v3/integration${A}/breaks/${added.body.id}`);
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:40', '10:50']);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '10:50')] });
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:40']);
    expect((await send('GET', breaksPath('10:00', '10:21'))).body).toEqual({
      _items: [{ id: added.body.id, ...LUNCH }],
    });
    expect((await send('GET', breaksPath('10:00', '10:20'))).body).toEqual({ _items: [] });
  });

  test('that exists with the same range and description is 409; a wrong range is 422', async () => {
    const { send } = await published();
    await send('POST', `${A}/breaks`, LUNCH);
    expect((await send('POST', `${A}/breaks`, LUNCH)).status).toBe(409);
    expect((await send('POST', `${A}/breaks`, { ...LUNCH, description: 'a walk' })).status).toBe(201);
    expect((await send('POST', `${A}/breaks`, { since: at('11:00'), till: at('11:00') })).status).toBe(422);
    expect(await send('POST', `${A}/breaks`, { since: 'noon' })).toMatchObject({
      status: 400,
      body: { errors: [], message: expect.stringMatching(/^since: /) },
    });
  });

  test('is moved and removed; the same range is 422, an unknown break 404', async () => {
    const { sandbox, send } = await published();
    const { id } = (await send('POST', `${A}/breaks`, LUNCH)).body;
    const later = { since: at('10:40'), till: at('11:00') };
    expect((await send('PATCH', `${A}/breaks/${id}`, later)).status).toBe(204);
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:20', '10:30']);
    expect((await send('PATCH', `${A}/breaks/${id}`, later)).status).toBe(422);
    expect((await send('PATCH', `${A}/breaks/none`, later)).status).toBe(404);
    expect((await send('DELETE', `${A}/breaks/${id}`)).status).toBe(204);
    expect((await send('DELETE', `${A}/breaks/${id}`)).status).toBe(404);
    expect(patientTimes(sandbox)).toHaveLength(6);
  });

  test('applies to the coupled addresses when requested, and they are moved and removed together', async () => {
    const addresses = [
      { id: '789', services: [], coupledWith: ['790'] },
      { id: '790', services: [] },
    ];
    const sandbox = await startSandbox({
      estate: { facilities: [{ id: '456', doctors: [{ id: '9876', addresses }] }] },
    });
    const send = await partner(sandbox);
    const coupled = { ...ADDRESS, addressId: '790' };
    const { id } = (await send('POST', `${A}/breaks`, { ...LUNCH, apply_on_coupled_addresses: true })).body;
    expect(sandbox.breaks(coupled)).toMatchObject([LUNCH]);
    await send('PATCH', `${A}/breaks/${id}`, { since: at('12:00'), till: at('13:00') });
    expect(sandbox.breaks(coupled)).toMatchObject([{ since: at('12:00') }]);
    await send('DELETE', `${A}/breaks/${id}`);
    expect(sandbox.breaks(coupled)).toEqual([]);
  });

  test('of the doctor is notified to the integration: created, moved, removed', async () => {
    const { sandbox, send } = await published();
    const made = sandbox.addBreak(ADDRESS, LUNCH);
    sandbox.moveBreak(made.id, { since: at('10:00'), till: at('10:10') });
    expect(patientTimes(sandbox)).toHaveLength(5);
    sandbox.removeBreak(made.id);
    const { notifications } = (await send('GET', '/notifications/multiple?limit=100')).body;
    expect(
      notifications.map(({ name, data }: { name: string; data: { break: { since: string } } }) => [
        name,
        data.break.since,
      ]),
    ).toEqual([
      ['break-created', at('10:20')],
      ['break-moved', at('10:00')],
      ['break-removed', at('10:00')],
    ]);
  });
});
