// The types of the package in a strict TypeScript project: valid uses compile, and invalid ones do not.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { tempDir } from '../support/temp-dir.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

const EXAMPLE = `
import {
  type ApprovalQuestion, computeSlotConfigs, InvalidEventError, type NotificationItem, type NotificationJob,
  OccupancyProducer, type OccupancyEvent, type Slotkeeper, type Snapshot, verifyWebhook, weeklyWindows,
  WebhookVerificationError,
} from 'slotkeeper';

declare const engine: Slotkeeper;
declare const producer: OccupancyProducer;
declare const headers: import('node:http').IncomingHttpHeaders;

const services = [{ id: 123, duration: 10 }] as const;
const windows = weeklyWindows({
  timeZone: 'Europe/Warsaw', from: '2026-12-07', to: '2026-12-11',
  weekly: { mon: [{ start: '09:00', end: '17:00', services }] },
});
const id: string | undefined = windows[0]?.services[0]?.id;

// Events, snapshots and the core accept the result of weeklyWindows.
const available: OccupancyEvent = { id: 5, type: 'available', calendar: 'nowak', from: '2026-12-07', to: '2026-12-11', windows };
const snapshot: Snapshot = { from: '2026-12-07', to: '2026-12-11', windows, occupancy: [{ ref: 77, start: 0, end: new Date() }] };
computeSlotConfigs({ timeZone: 'Europe/Warsaw', windows });
computeSlotConfigs({ timeZone: 'Europe/Warsaw', windows: [{ start: 1, end: 2, services }] });

export async function run(version: number | undefined): Promise<string> {
  const events = [
    available,
    { id: 'evt-1', type: 'occupied', calendar: 'nowak', ref: 77, start: '2026-12-07 10:00', end: Date.now(), version },
    { id: 'evt-2', type: 'released', calendar: 'nowak', ref: 'apt-77' },
  ] as const satisfies readonly OccupancyEvent[];
  const { accepted, rejected, differing, warnings } = await engine.events(events, { dryRun: true });
  await engine.enqueue(events);
  await producer.enqueue(events);
  await producer.enqueue(available);
  const outcome = await engine.snapshot('nowak', snapshot);
  if (outcome.kind === 'taken') for (const { path, ref, problems } of outcome.result.rejected) console.log(path, ref, problems);
  const [day] = (await engine.days('nowak', '2026-12-07', '2026-12-07')) ?? [];
  if (day?.state === 'unknown') console.log(day.date);
  try {
    await producer.enqueue(events);
  } catch (error) {
    if (error instanceof InvalidEventError) return error.problems.map(({ index, path, reason }) => \`\${index} \${path} \${reason}\`).join();
  }
  return [accepted, rejected[0]?.problems[0]?.path, differing[0]?.id, warnings[0]?.path].join();
}

export function told(item: NotificationItem): string {
  switch (item.name) {
    case 'published':
      return item.data === null ? '' : (item.data.refs ?? item.data.dates).join();
    case 'slot-booked':
      return item.data === null ? '' : item.data.visit_booking.start_at;
    case 'conflict':
      return item.purged ? '' : item.data.occupancy.ref;
    case 'break-moved':
      return String(item.data?.break.since);
    default:
      return item.name;
  }
}

export function heard(body: string, secret: string, job: NotificationJob): unknown {
  try {
    const item = verifyWebhook({ headers, body }, secret, 1_796_636_400_000);
    const question = verifyWebhook<ApprovalQuestion>({ headers, body: Buffer.from(body) }, secret);
    return [told(item), question.data.facility.id, job.name === 'conflict', id];
  } catch (error) {
    return error instanceof WebhookVerificationError ? error.reason : undefined;
  }
}

export async function wrong(item: NotificationItem): Promise<void> {
  // @ts-expect-error: there is no such type of event
  await engine.events([{ id: '1', type: 'ocupied', calendar: 'nowak', ref: '1', start: 0, end: 1 }]);
  // @ts-expect-error: an occupied event has a ref
  await engine.events([{ id: '1', type: 'occupied', calendar: 'nowak', start: 0, end: 1 }]);
  // @ts-expect-error: a misspelt key
  await producer.enqueue({ id: '1', type: 'released', calendar: 'nowak', ref: '1', verison: 1 });
  // @ts-expect-error: a version is a number
  await engine.enqueue([{ id: '1', type: 'released', calendar: 'nowak', ref: '1', version: '1' }]);
  // @ts-expect-error: what an event has depends on its type
  await engine.events([{ id: '1', type: 'released', calendar: 'nowak', ref: '1', windows }]);
  // @ts-expect-error: unknown is not an event
  await engine.events([JSON.parse('{}') as unknown]);
  // @ts-expect-error: a released event has no start
  if (available.type === 'released') available.start;
  // @ts-expect-error: its data may have been removed
  if (item.name === 'slot-booked') item.data.visit_booking;
  // @ts-expect-error: a booking is no break
  if (item.name === 'slot-booked') item.data?.break;
  // @ts-expect-error: the secret is a text
  verifyWebhook({ headers, body: '' }, undefined);
}
`;

test('a strict TypeScript project compiles against the package, and invalid uses do not', async () => {
  const folder = await tempDir();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'slotkeeper'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const file = join(folder, 'clinic.ts');
  writeFileSync(file, EXAMPLE);
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: false,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  });
  const messages = ts
    .getPreEmitDiagnostics(program)
    .map(({ file: at, start, messageText }) =>
      [
        at && start !== undefined ? at.getLineAndCharacterOfPosition(start).line : '',
        ts.flattenDiagnosticMessageText(messageText, '\n'),
      ].join(': '),
    );
  expect(messages).toEqual([]);
});

test.each([
  ['clinic/occupancy-event.d.ts', 'Makes the event idempotent'],
  ['clinic/occupancy-producer.d.ts', '@throws {InvalidEventError}'],
  ['delivery/verify-webhook.d.ts', '@throws {WebhookVerificationError}'],
  ['db/tables/notification-item.d.ts', 'ISO 8601 in UTC'],
  ['core/types.d.ts', 'Whole minutes, at least 1.'],
  ['engine.d.ts', 'Applies events and publishes afterwards'],
])('the declarations of %s contain their documentation', (file, words) => {
  expect(readFileSync(join(root, 'dist', file), 'utf8')).toContain(words);
});
