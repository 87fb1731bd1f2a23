// What is written down of patients by a process, wherever it keeps its record and its queue.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { clinicAt } from '../cli/clinic.js';
import { run } from '../cli/run.js';
import { embeddedFolder, postgresDatabase } from '../db/databases.js';
import { ADDRESS } from '../engine/founding-example.js';
import { type Received, startReceiver } from '../sandbox/receiver.js';
import { eventually } from '../support/eventually.js';
import { freshRedisUrl } from '../support/redis.js';
import { filesIn, finderOf, keysAt, rowsAt } from '../support/written.js';
import { available, configure, date, PUSH_KEY, push, slotBooked } from './pushed-process.js';

const NAME = 'Zygfrydzislawa';
const SURNAME = 'Brzeczyszczykiewska';
const PHONE = '+48600700801';
const EMAIL = 'zyg@planted.example';
const COMMENT = 'allergic to planted words';
const found = finderOf([NAME, SURNAME, PHONE, PHONE.slice(1), EMAIL, COMMENT]);

describe('personal data of a patient is unreadable', () => {
  test.each([
    ['PostgreSQL and Redis', 'real'],
    ['the embedded database', 'embedded'],
  ] as const)('in what is written with %s', async (_, where) => {
    const receiver = await startReceiver();
    receiver.react({ status: 500, text: JSON.stringify({ echo: [NAME, EMAIL, PHONE] }) });
    const databaseUrl = await postgresDatabase();
    const redisUrl = await freshRedisUrl();
    const data = await embeddedFolder();
    const place = where === 'real' ? { databaseUrl, redisUrl } : { data };
    const clinic = await clinicAt(place);
    const secret = `whsec_${randomBytes(24).toString('base64')}`;
    configure(
      clinic,
      { mode: 'both', apiKey: PUSH_KEY, pullEverySeconds: 1 },
      { delivery: { url: receiver.url, secret, approvalUrl: receiver.url, queue: true } },
    );
    const env = {
      LOG_LEVEL: 'trace',
      ...(where === 'real' ? { SLOTKEEPER_ENCRYPTION_KEY: randomBytes(32).toString('base64') } : {}),
    };
    const running = await clinic.start(env);
    const { call, settled } = running;
    await call('POST', '/v1/events', { events: [available] });
    await settled();
    const patient = { name: NAME, surname: SURNAME, phone: PHONE, email: EMAIL };
    const visit = slotBooked('pushed', 600, patient, COMMENT);
    expect(await push(running, visit)).toBe(200);
    expect(
      await push(running, `{"name":"slot-booked","patient":"${NAME} ${PHONE} ${EMAIL} ${COMMENT}"`),
    ).toBe(200);
    const odd = slotBooked('odd', 610, patient, COMMENT);
    odd.data.visit_booking.end_at = odd.data.visit_booking.start_at;
    expect(await push(running, odd)).toBe(200);
    // A free time, so that the clinic is asked on, and answers with an error that repeats what it was told.
    const free =
      (Date.parse(`${available.windows[0]?.start}`) - Date.parse(`${date}T00:00:00Z`)) / 60_000 + 40;
    const { visit_booking: asked, ...rest } = slotBooked('asked', free, patient, COMMENT).data;
    const question = { ...visit, name: 'slot-booking', data: { ...rest, visit_booking_request: asked } };
    expect(await push(running, question)).toBe(200);
    const isQuestion = ({ body }: Received) => body.name === 'slot-booking';
    expect(JSON.stringify(receiver.received.filter(isQuestion))).toContain(EMAIL);
    clinic.sandbox.book(ADDRESS, {
      start: `${date}T10:00:00${available.windows[0]?.start.toString().slice(19)}`,
      serviceId: '123',
      patient,
      comment: COMMENT,
    });
    const told = await eventually(async () => {
      const { items } = (await call('GET', '/v1/notifications?limit=100')).body;
      return items.length >= 4 && receiver.received.length >= 2 && JSON.stringify(items);
    });
    // It is there for those who may have it.
    expect(told).toContain(EMAIL);
    const failed = await run(['failed', 'list'], { cwd: clinic.folder, env: { ...clinic.env, ...env } });
    expect(failed.code).toBe(0);
    const written = {
      log: running.process.stderr + running.process.stdout,
      metrics: await (await fetch(`${call.url}/metrics`)).text(),
      status: JSON.stringify((await call('GET', '/v1/status')).body),
      failed: failed.stdout + failed.stderr,
      redis: where === 'real' ? await keysAt(redisUrl) : '',
      tables: where === 'real' ? await rowsAt(databaseUrl) : '',
    };
    await running.process.kill('SIGTERM', { within: 60_000 });
    expect(written.failed).toContain('notification');
    for (const [what, text] of Object.entries(written)) expect([what, found(text)]).toEqual([what, []]);
    if (where === 'real') {
      expect(written.tables).toContain('slotkeeper.notifications');
      expect(written.redis).toContain('bull');
      return;
    }
    const files = [...(await filesIn(data))];
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter(([, content]) => found(content).length > 0).map(([path]) => path)).toEqual([]);
  });
});
