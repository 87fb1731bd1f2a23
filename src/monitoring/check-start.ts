/** The checks of an explanation, from what the database has about a start. Pure. */
import { bookableStarts, explainStart, type StartCheckName, toIso } from '../core/index.js';
import { spanOf } from '../core/span.js';
import type { BookableStart } from '../docplanner/index.js';
import { shownStarts } from '../publishing/day-report.js';
import { horizonOf } from '../publishing/horizon.js';
import type { Check, CheckResult, Explanation } from './explanation.js';
import type { StartFacts } from './start-facts.js';
import { nameOf, takenAt, toTaker } from './taker.js';

export type Checks = Readonly<Record<Check['check'], CheckResult>>;

export interface CheckedStart extends Pick<Explanation, 'wanted' | 'published' | 'shown'> {
  readonly checks: Checks;
}

const NONEXISTENT: CheckResult = { ok: null, detail: 'not checked: the time does not exist' };

export function checkStart(facts: StartFacts): CheckedStart {
  const horizon = checkHorizon(facts);
  const { isOnOffer, ...computed } = facts.isSkipped ? NOTHING_COMPUTED : checkSchedule(facts);
  const published = facts.isSkipped ? NONEXISTENT : checkPublished(facts);
  const shown = facts.isSkipped ? NONEXISTENT : checkShown(facts);
  return {
    wanted: horizon.canBeOffered && isOnOffer,
    published: published.ok === true,
    shown: shown.ok,
    checks: {
      calendar: checkCalendar(facts),
      account: checkAccount(facts),
      horizon: horizon.result,
      ...computed.checks,
      published,
      shown,
    },
  };
}

function checkCalendar({ calendar, address }: StartFacts): CheckResult {
  const { closing, failed } = calendar;
  if (closing !== undefined) {
    return { ok: false, detail: `the calendar is being closed since ${closing.since.toISOString()}` };
  }
  if (failed !== undefined) {
    return { ok: false, detail: `the marketplace refuses the calendar: ${failed.reason}` };
  }
  if (address.status === 'disabled') {
    return { ok: false, detail: 'the calendar is disabled in the marketplace' };
  }
  return { ok: true, detail: 'the calendar is published' };
}

function checkAccount({ accountState }: StartFacts): CheckResult {
  const { account, state, reason, since, until } = accountState;
  if (state === 'refused') {
    const from = since?.toISOString() ?? '';
    return { ok: false, detail: `the marketplace refuses account ${account} since ${from}: ${reason ?? ''}` };
  }
  if (state === 'paused') {
    return {
      ok: false,
      detail: `account ${account} is paused until ${until?.toISOString() ?? ''}: ${reason ?? ''}`,
    };
  }
  return { ok: true, detail: `requests of account ${account} are sent` };
}

function checkHorizon({ account, view, at, isSkipped, now }: StartFacts): {
  readonly result: CheckResult;
  /** Whether the instant lies in the time that is on sale. */
  readonly canBeOffered: boolean;
} {
  const { timeZone } = account;
  const no = (detail: string) => ({ result: { ok: false, detail }, canBeOffered: false });
  const { to } = horizonOf(timeZone, now);
  if (isSkipped) {
    return no(
      `the clock change skips this time: it does not exist, and ${toIso(at, timeZone)} comes instead`,
    );
  }
  if (at < now) return no('the time is in the past');
  if (view.date > to) return no(`the date is too far ahead: published is what lies up to ${to}`);
  if (view.day === undefined) {
    const detail = `no event or snapshot has said when the calendar is available on ${view.date}`;
    return { result: { ok: false, detail }, canBeOffered: true };
  }
  return {
    result: { ok: true, detail: `the date is published, as all dates up to ${to}` },
    canBeOffered: true,
  };
}

const NOTHING_COMPUTED = {
  isOnOffer: false,
  checks: {
    window: NONEXISTENT,
    service: NONEXISTENT,
    busy: NONEXISTENT,
    rules: NONEXISTENT,
    fits: NONEXISTENT,
  },
};

/** The checks of the core, with the names of what takes the time. */
function checkSchedule(facts: StartFacts): {
  readonly isOnOffer: boolean;
  readonly checks: Pick<Checks, StartCheckName>;
} {
  const { account, calendar, schedule, busyTime, at, service, cut } = facts;
  const { wanted, checks } = explainStart({ ...schedule, at, service, cut });
  const results = checks.map(({ check, busy, ok, detail }): [StartCheckName, CheckResult] => {
    const owner = busy && busyTime[busy.index];
    if (busy === undefined || owner === undefined) return [check, { ok, detail }];
    // An appointment that does not fit meets what begins after its start.
    const begin = schedule.busy[busy.index]?.start ?? at;
    const by = toTaker(takenAt(owner, calendar, Math.max(at, begin)), account.timeZone);
    const text =
      check === 'busy' ? `taken by ${nameOf(by)}` : `the appointment would last into ${nameOf(by)}`;
    return [check, { ok, detail: text, by }];
  });
  const byName = Object.fromEntries(results) as Record<StartCheckName, CheckResult>;
  return { isOnOffer: wanted, checks: { ...byName, ...checkServices(facts, byName) } };
}

/** The checks of window and service, where the reason is a service that the address does not have. */
function checkServices(
  { view, address, servicesInUse, at, service }: StartFacts,
  { window }: Pick<Checks, 'window'>,
): Partial<Pick<Checks, 'window' | 'service'>> {
  const gone = new Map(address.services.flatMap(({ id, goneSince }) => (goneSince ? [[id, goneSince]] : [])));
  const covering = view.windows.filter((one) => spanOf(one).start <= at && at < spanOf(one).end);
  const here = new Set(covering.flatMap(({ services }) => services.map(({ id }) => id)));
  const isKnown =
    service === undefined ||
    here.has(service) ||
    servicesInUse.has(service) ||
    address.services.some(({ id }) => id === service);
  if (!isKnown) return { service: { ok: false, detail: `the calendar has no service ${service}` } };
  const since = service === undefined ? undefined : gone.get(service);
  const isGone = (id: string, at: Date): string =>
    `service ${id} no longer exists at the address since ${at.toISOString()}`;
  if (service !== undefined && since !== undefined)
    return { service: { ok: false, detail: isGone(service, since) } };
  if (window.ok === true || here.size === 0) return {};
  const details = [...here].map((id) => isGone(id, gone.get(id) ?? new Date(0)));
  return {
    window: { ok: true, detail: 'a window covers this time' },
    service: { ok: false, detail: details.join(', ') },
  };
}

/** Whether the start was in what was last sent. */
function checkPublished({ account, calendar, view, blocks, at, service, cut }: StartFacts): CheckResult {
  const { timeZone } = account;
  const { published = null, publishedAt = null } = view.day ?? {};
  if (published === null) return { ok: false, detail: `nothing was published for ${view.date}` };
  const sent = publishedAt === null ? 'last' : `on ${publishedAt.toISOString()}`;
  const has = (blocked: readonly { readonly start: number; readonly end: number }[]) =>
    hasStart(bookableStarts(published, timeZone, { cut, blocked }), at, service);
  if (!has([])) return { ok: false, detail: `not in what was sent ${sent}` };
  // The marketplace blocks starts of the slots only where the slots contain busy time.
  if (calendar.strategy === 'slots' || has(blocks)) return { ok: true, detail: `sent ${sent}` };
  // The appointment meets the first block that is not over.
  const [block] = blocks.filter(({ end }) => end > at).sort((a, b) => a.start - b.start);
  const by = block && toTaker(block, timeZone);
  return { ok: false, detail: `sent ${sent}, and blocked by ${by ? nameOf(by) : 'a break'}`, by };
}

/** Whether the start was in what was last read. */
function checkShown({ account, view, at, service }: StartFacts): CheckResult {
  const { lastReading } = view;
  if (lastReading === undefined) return { ok: null, detail: 'the marketplace was not read for this date' };
  const read = `when it was read on ${lastReading.shownAt.toISOString()}`;
  return hasStart(shownStarts(lastReading, account.timeZone), at, service)
    ? { ok: true, detail: `the marketplace showed it ${read}` }
    : { ok: false, detail: `the marketplace did not show it ${read}` };
}

/** @param service undefined: any */
const hasStart = (starts: readonly BookableStart[], at: number, service: string | undefined): boolean =>
  starts.some(
    ({ start, services }) =>
      Date.parse(start) === at &&
      (service === undefined || services === undefined || services.includes(service)),
  );
