// Desks where no time passes by itself, and whose engine pulls what the marketplace has to say as time passes.
import type { ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

export const PULLS = { mode: 'pull', pullEverySeconds: 1 } as const;

/** Lets the engine pull until it is so. */
export async function hears(fixture: ClinicFixture, isSo: () => unknown): Promise<void> {
  await eventually(async () => {
    await fixture.pass(1_000);
    return await isSo();
  });
}

/** Waits until all that was said by now is heard and published: a pull that began later was answered. */
export async function hearsAll(fixture: ClinicFixture): Promise<void> {
  const pulls = () =>
    fixture.requests('getNotifications').filter(({ client, answeredAt }) => client === 'many' && answeredAt);
  const before = pulls().length;
  await hears(fixture, () => pulls().length >= before + 3);
  await fixture.rest();
}
