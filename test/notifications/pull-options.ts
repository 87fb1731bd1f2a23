// Desks where no time passes by itself, and whose engine pulls what the marketplace has to say as time passes.
import type { Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

export const PULLS = { mode: 'pull', pullEverySeconds: 1 } as const;

/** Lets the engine pull until it is so. */
export async function hears(desk: Desk, isSo: () => unknown): Promise<void> {
  await eventually(async () => {
    await desk.pass(1_000);
    return await isSo();
  });
}

/** Waits until all that was said by now is heard and published: a pull that began later was answered. */
export async function hearsAll(desk: Desk): Promise<void> {
  const pulls = () =>
    desk.requests('getNotifications').filter(({ client, answeredAt }) => client === 'many' && answeredAt);
  const before = pulls().length;
  await hears(desk, () => pulls().length >= before + 3);
  await desk.rest();
}
