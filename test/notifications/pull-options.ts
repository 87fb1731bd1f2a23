// Desks where no time passes by itself, and whose engine pulls what the marketplace has to say as time passes.
import type { ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

export const PULL_SETTINGS = { mode: 'pull', pullEverySeconds: 1 } as const;

/** Lets the engine pull until it is so. */
export async function pullUntil(fixture: ClinicFixture, isSo: () => unknown): Promise<void> {
  await eventually(async () => {
    await fixture.passTime(1_000);
    return await isSo();
  });
}

/** Waits until all that was said by now is heard and published: a pull that began later was answered. */
export async function pullAll(fixture: ClinicFixture): Promise<void> {
  const pulls = () =>
    fixture.requests('getNotifications').filter(({ client, answeredAt }) => client === 'many' && answeredAt);
  const before = pulls().length;
  await pullUntil(fixture, () => pulls().length >= before + 3);
  await fixture.untilAtRest();
}
