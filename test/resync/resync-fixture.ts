// Resyncs of a desk: asked for and waited for, and what others do to the marketplace behind the engine's back.

import type { ResyncReport, ResyncRequest } from '../../src/api/resyncs-api.js';
import type { Slotkeeper } from '../../src/engine.js';
import { addressOf, ClinicFixture, type ClinicFixtureOptions } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

const WRITES = new Set(['PUT', 'POST', 'PATCH', 'DELETE']);

export const writesOf = (fixture: ClinicFixture): number =>
  fixture.sandbox.requests.filter(({ method, operation }) => WRITES.has(method) && operation !== 'token')
    .length;

/** Three days from 10:00 to 11:00, on the first of which 10:20 is taken. */
export async function openFixture(
  strategy: 'slots' | 'breaks' | 'book' = 'slots',
  options: ClinicFixtureOptions = {},
): Promise<ClinicFixture> {
  const fixture = await ClinicFixture.open({ still: true, ...options, strategy });
  for (const n of [0, 1, 2]) await fixture.open('nowak', fixture.dateAfter(n));
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  return fixture;
}

export async function resync(
  at: ClinicFixture | { readonly engine: Slotkeeper },
  request: ResyncRequest = {},
): Promise<ResyncReport> {
  const { id } = await at.engine.resyncs.begin(request);
  return await untilFinished(at, id);
}

/** Its report, when it has ended. */
export async function untilFinished(
  at: ClinicFixture | { readonly engine: Slotkeeper },
  id: string,
): Promise<ResyncReport> {
  let report: ResyncReport | undefined;
  const isOver = async (): Promise<boolean> => {
    report = await at.engine.resyncs.report(id);
    return report !== undefined && report.finishedAt !== null;
  };
  if (at instanceof ClinicFixture) await at.until(isOver);
  else await eventually(isOver, { within: 60_000 });
  if (report === undefined) throw new Error('there is no such resync');
  return report;
}

/** As another client of the marketplace would: behind the engine's back. */
export async function requestAsAnotherClient(
  fixture: ClinicFixture,
  method: string,
  path: string,
  body?: object,
  calendar = 'nowak',
): Promise<void> {
  const { baseUrl } = await fixture.account();
  const granted = await fetch(`${baseUrl}/oauth/v2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa('another:secret')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials&scope=integration',
  });
  const { access_token: token } = (await granted.json()) as { access_token: string };
  const { facilityId, doctorId, addressId } = addressOf(calendar);
  const root = `/api/v3/integration/facilities/${facilityId}/doctors/${doctorId}/addresses/${addressId}`;
  const answer = await fetch(`${baseUrl}${root}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}
