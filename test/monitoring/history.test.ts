// The history of a day of a clinic: what was received, wanted, sent and observed, by calendar, appointment and booking.

import { describe, expect, test } from '@jest/globals';
import { findHistory, findHistoryHorizon, saveHistory } from '../../src/db/tables/history.js';
import type { HistoryItem } from '../../src/monitoring/history.js';
import { followHistory, readHistory } from '../../src/monitoring/history.js';
import { useDatabase } from '../db/use-database.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';
import { ManualTimers } from '../support/manual-timers.js';

/** The kind with what tells entries of one kind apart. */
const brief = ({ kind, detail }: HistoryItem): string => {
  const facts = [
    detail.type,
    detail.outcome === 'accepted' ? undefined : detail.outcome,
    detail.cause,
    detail.operation,
    detail.status,
    detail.what,
    detail.name,
    detail.next,
  ];
  return [kind, ...facts.filter((fact) => fact !== undefined)].join(' ');
};

async function storyOf(
  fixture: ClinicFixture,
  query: Parameters<ClinicFixture['engine']['history']>[0],
): Promise<string[]> {
  return (await fixture.engine.history({ limit: 1_000, ...query })).items.map(brief);
}

describe('the history of a day', () => {
  test('tells what the desk did, and what was published', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    await fixture.open();
    await fixture.untilAtRest();
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    expect(await storyOf(fixture, { calendar: 'nowak', date: fixture.date })).toEqual([
      'event available',
      'marked event',
      'sent replaceSlots 201',
      'verified',
      'event occupied',
      'marked event',
      'sent replaceSlots 201',
      'verified',
      'event released',
      'marked event',
      'sent replaceSlots 201',
      'verified',
    ]);
    await fixture.book('apt-2', '10:40', '11:00');
    await fixture.untilAtRest();
    const explanation = await fixture.engine.explain('nowak', fixture.at('10:20'));
    expect(explanation?.timeline.filter(({ kind }) => kind === 'event').map(brief)).toEqual([
      'event available',
      'event occupied',
      'event released',
    ]);
    const { items } = await fixture.engine.history({ ref: 'apt-1' });
    expect(items).toMatchObject([
      {
        kind: 'event',
        account: 'many',
        calendar: 'nowak',
        date: fixture.date,
        ref: 'apt-1',
        actor: 'library',
        detail: { type: 'occupied', start: fixture.at('10:20'), end: fixture.at('10:40'), kind: 'booking' },
      },
      { kind: 'event', date: fixture.date, ref: 'apt-1', detail: { type: 'released' } },
    ]);
  });

  test('tells what a patient did, and that the clinic was notified', async () => {
    const fixture = await ClinicFixture.open({
      still: true,
      notifications: { mode: 'pull', pullEverySeconds: 10 },
    });
    await fixture.open();
    await fixture.untilAtRest();
    const { id } = fixture.sandbox.book(addressOf('nowak'), {
      start: fixture.at('10:20'),
      serviceId: 'visit',
    });
    await fixture.until(async () => (await fixture.engine.notifications()).items.length > 0);
    await fixture.untilAtRest();
    const { items } = await fixture.engine.history({ booking: id });
    expect(items).toMatchObject([
      {
        kind: 'notified',
        account: 'many',
        calendar: 'nowak',
        date: fixture.date,
        actor: 'marketplace',
        detail: { name: 'slot-booked', channel: 'pull' },
      },
    ]);
    expect(JSON.stringify(await fixture.engine.history({ limit: 1_000 }))).not.toMatch(/patient|@|\+48/i);
  });

  test('tells that a snapshot would remove too much, and who approved it', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    await fixture.open();
    await fixture.untilAtRest();
    const { engine, date } = fixture;
    await engine.snapshot('nowak', { from: date, to: date, complete: true, windows: [], occupancy: [] });
    const [held] = await engine.holds.list();
    expect(await engine.holds.settle('release', [held?.id ?? ''], 'Ms Reception')).toMatchObject({ done: 1 });
    await fixture.untilAtRest();
    const story = await storyOf(fixture, { calendar: 'nowak', date });
    expect(story.slice(4)).toEqual([
      'held snapshot held',
      'marked approved',
      'approved snapshot held',
      'sent deleteSlots 204',
      'verified',
    ]);
    const snapshots = await engine.history({ calendar: 'nowak', kind: 'snapshot' });
    expect(snapshots.items).toMatchObject([
      { detail: { from: date, to: date, complete: true, released: 0 } },
    ]);
    const approved = await engine.history({ kind: 'approved' });
    expect(approved.items).toMatchObject([{ actor: 'Ms Reception', date }]);
  });

  test('tells that a refused day failed, by which write, and that a person retried it', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    fixture.sandbox.faults.set([
      { fault: { kind: 'status', status: 400 }, match: { operation: 'replaceSlots' } },
    ]);
    await fixture.open();
    await fixture.until(async () => (await fixture.engine.status()).failed > 0);
    fixture.sandbox.faults.clear();
    await fixture.engine.failures.settle('retry', [`day/nowak/${fixture.date}`], 'Ms Reception');
    await fixture.untilAtRest();
    const story = await storyOf(fixture, { calendar: 'nowak', date: fixture.date });
    expect(story.slice(0, 3)).toEqual(['event available', 'marked event', 'sent replaceSlots 400']);
    expect(story.slice(-4)).toEqual(['failed day', 'retried day', 'sent replaceSlots 201', 'verified']);
    const { items } = await fixture.engine.history({ kind: 'retried' });
    expect(items).toMatchObject([{ actor: 'Ms Reception', date: fixture.date, calendar: 'nowak' }]);
  });

  test('tells that the firewall paused the account, and that it was resumed', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    fixture.sandbox.faults.set([
      { fault: { kind: 'firewall', status: 403 }, match: { operation: 'replaceSlots' }, times: 1 },
    ]);
    await fixture.open();
    await fixture.untilAtRest();
    expect(await storyOf(fixture, { account: 'many', kind: 'paused' })).toHaveLength(1);
    expect(await storyOf(fixture, { account: 'many', kind: 'resumed' })).toHaveLength(1);
  });
});

describe('reading', () => {
  const database = useDatabase();
  const find = async (query: Parameters<typeof findHistory>[2]) =>
    await findHistory(database.db, await findHistoryHorizon(database.db), query);
  const entry = (ref: string) => ({ kind: 'event' as const, at: new Date(0), ref });

  test('pages in order, and the newest first', async () => {
    await saveHistory(database.db, ['a', 'b', 'c'].map(entry));
    const first = await readHistory(database.db, { kind: 'event', limit: 2 });
    expect(first.items.map(({ ref }) => ref)).toEqual(['a', 'b']);
    const second = await readHistory(database.db, { kind: 'event', limit: 2, after: first.next });
    expect(second.items.map(({ ref }) => ref)).toEqual(['c']);
    expect(await readHistory(database.db, { kind: 'event', limit: 2, after: second.next })).toEqual({
      items: [],
      next: second.next,
    });
    const newest = await readHistory(database.db, { kind: 'event', limit: 2, newest: true });
    expect(newest.items.map(({ ref }) => ref)).toEqual(['c', 'b']);
  });

  test('leaves out entries that an older, running transaction could precede', async () => {
    const slow = await database.db.startTransaction().execute();
    await saveHistory(slow, [entry('slow')]);
    await saveHistory(database.db, [entry('fast')]);
    expect(await find({ kind: 'event', limit: 9 })).toEqual([]);
    await slow.commit().execute();
    const both = await find({ kind: 'event', limit: 9 });
    expect(both.map(({ ref }) => ref)).toEqual(['slow', 'fast']);
  });

  test('follows new entries, each once', async () => {
    await saveHistory(database.db, [entry('before')]);
    const ended = new AbortController();
    const timers = new ManualTimers();
    const following = followHistory(database.db, {}, { timers, signal: ended.signal });
    const next = async () => ((await following.next()).value ?? []).map(({ ref }: HistoryItem) => ref);
    expect(await next()).toEqual([]);
    await saveHistory(database.db, ['a', 'b'].map(entry));
    const poll = next();
    await timers.advance(250);
    expect(await poll).toEqual(['a', 'b']);
    ended.abort();
  });

  test('replaces characters that cannot be stored', async () => {
    await saveHistory(database.db, [entry('a\0\uD800b')]);
    expect((await find({ kind: 'event', limit: 9 }))[0]?.ref).toBe('a\uFFFD\uFFFDb');
  });
});
