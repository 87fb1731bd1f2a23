/** The status as text: what needs a person comes first, with the next command of each section. */
import { styleText } from 'node:util';
import { HOUR, MINUTE } from '../core/duration.js';
import type { ConflictItem } from '../monitoring/conflicts.js';
import type { AccountStatus, Status } from '../monitoring/status.js';
import { OCCUPANCY_QUEUE } from '../queue/queue-names.js';
import { aligned } from './aligned.js';
import { plural } from './plural.js';

export interface StatusFormat {
  readonly colour: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

type Colour = 'red' | 'yellow' | 'green' | 'bold' | 'dim';

/** A section of the text, with the next command. */
interface Section {
  readonly colour: Colour;
  readonly headline: string;
  readonly items?: readonly (readonly string[])[];
  /** The total number; default: the number of items. */
  readonly count?: number;
  readonly next?: string;
}

const MAX_ITEMS = 10;
/** After this time without events the PMS may have stopped sending. */
const SILENT_AFTER_MS = 24 * HOUR;

/** Whether a person must act. What the engine repairs by itself does not count. */
export function needsPerson({
  takenOnSale,
  conflicts,
  accounts,
  failed,
  goneServices,
  held,
  notifications,
  queues,
}: Status): boolean {
  return (
    takenOnSale.count + conflicts + failed + goneServices + held + notifications.failed > 0 ||
    accounts.some(({ state }) => state === 'refused') ||
    countRefusedEvents(queues) > 0
  );
}

const countRefusedEvents = (queues: Status['queues']): number => queues[OCCUPANCY_QUEUE]?.failed ?? 0;

export function describeStatus(
  status: Status,
  conflicts: readonly ConflictItem[],
  { colour, now }: StatusFormat,
): string {
  const paint = (style: Colour, text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const sections = [
    ...describeTakenOnSale(status.takenOnSale),
    ...describeConflicts(status.conflicts, conflicts),
    ...describeFailures(status),
    ...describeHeld(status),
    ...status.accounts.flatMap(describeAccount),
    ...describeQueueState(status.readiness),
    ...status.accounts.flatMap((account) => describeSilence(account, now)),
    ...describePending(status),
  ];
  const lines = sections.flatMap(({ colour: style, headline, items = [], count = items.length, next }) => [
    paint(style, headline),
    ...aligned(items.slice(0, MAX_ITEMS)).map((item) => `  ${item}`),
    ...(count > MAX_ITEMS ? [`  and ${count - MAX_ITEMS} more`] : []),
    ...(next === undefined ? [] : [`  ${paint('dim', '→')} ${next}`]),
  ]);
  return `${[...lines, '', ...queueLines(status.queues, paint)].join('\n')}\n`;
}

function describeQueueState({ queue }: Status['readiness']): Section[] {
  if (queue === 'ok') return [];
  const headline = `the queue accepts no jobs (${queue}): nothing is published meanwhile`;
  return [{ colour: 'red', headline }];
}

function describeTakenOnSale({ count, items }: Status['takenOnSale']): Section[] {
  if (count === 0) return [];
  const what = count === 1 ? 'busy time is' : 'busy times are';
  return [
    {
      colour: 'red',
      headline: `${count} ${what} ON SALE and cannot be closed`,
      count,
      items: items.map(({ calendar, start, end, reason }) => [calendar, spanOf(start, end), reason]),
      next: 'slotkeeper failed list, then close the time manually in the marketplace',
    },
  ];
}

function describeConflicts(count: number, conflicts: readonly ConflictItem[]): Section[] {
  if (count === 0) return [];
  const [first] = conflicts;
  const target = first === undefined ? 'CALENDAR BOOKING' : `${first.calendar} ${first.booking}`;
  return [
    {
      colour: 'red',
      headline: `${count} ${count === 1 ? 'time is' : 'times are'} sold twice`,
      count,
      items: conflicts.map(({ calendar, start, end, booking, ref }) => [
        calendar,
        spanOf(start, end),
        `booking ${booking} and appointment ${ref}`,
      ]),
      next: `slotkeeper booking move ${target} --start INSTANT, or cancel; link if both are the same appointment`,
    },
  ];
}

function describeAccount({ account, state, reason, since, until }: AccountStatus): Section[] {
  if (state === 'working') return [];
  if (state === 'paused') {
    return [
      {
        colour: 'yellow',
        headline: `account ${account} is paused until ${until ?? 'the next request'}: ${reason ?? ''}`,
      },
    ];
  }
  return [
    {
      colour: 'red',
      headline: `account ${account} is refused since ${since ?? ''}: nothing is published for it`,
      items: [[reason ?? '']],
      next: `correct its clientId, clientSecret or baseUrl, then slotkeeper failed retry account/${account}`,
    },
  ];
}

function describeFailures({ failed, goneServices, notifications, queues }: Status): Section[] {
  const events = countRefusedEvents(queues);
  const headlines = [
    ...(failed > 0 ? [`${plural(failed, 'change')} could not be published`] : []),
    ...(goneServices > 0
      ? [
          `${plural(goneServices, 'service')} no longer ${goneServices === 1 ? 'exists at its address' : 'exist at their addresses'}`,
        ]
      : []),
    ...(events > 0
      ? [`${plural(events, 'event')} of the queue ${events === 1 ? 'was' : 'were'} refused`]
      : []),
    ...(notifications.failed > 0
      ? [`${plural(notifications.failed, 'notification')} could not be delivered or read`]
      : []),
  ];
  return headlines.map((headline, n) => ({
    colour: 'red',
    headline,
    ...(n === headlines.length - 1 ? { next: 'slotkeeper failed list' } : {}),
  }));
}

function describeHeld({ held: days }: Status): Section[] {
  if (days === 0) return [];
  return [
    {
      colour: 'yellow',
      headline: `${plural(days, 'day')} ${days === 1 ? 'has' : 'have'} a held change that a person must approve`,
      next: 'slotkeeper held list',
    },
  ];
}

function describeSilence({ account, lastHeard }: AccountStatus, now: number): Section[] {
  if (lastHeard !== null && now - Date.parse(lastHeard) < SILENT_AFTER_MS) return [];
  const since = lastHeard === null ? 'yet' : `since ${lastHeard}`;
  return [{ colour: 'yellow', headline: `the PMS of account ${account} has sent nothing ${since}` }];
}

function describePending(status: Status): Section[] {
  const { pending, lag, closing, notifications } = status;
  const { undelivered } = notifications;
  const published =
    needsPerson(status) || status.accounts.some(({ state }) => state !== 'working')
      ? 'no other change is pending'
      : 'everything is published';
  return [
    pending === 0
      ? { colour: 'green', headline: published }
      : {
          colour: 'bold',
          headline: `${plural(pending, 'change')} ${waits(pending)} to be published, the oldest for ${ageOf(lag)}`,
        },
    ...(closing === 0
      ? []
      : [
          {
            colour: 'bold' as const,
            headline: `${plural(closing, 'deleted calendar or former address', 'deleted calendars or former addresses')} ${closing === 1 ? 'is' : 'are'} being closed`,
          },
        ]),
    ...(undelivered === 0
      ? []
      : [
          {
            colour: 'bold' as const,
            headline: `${plural(undelivered, 'notification')} ${waits(undelivered)} to be delivered, the oldest for ${ageOf(notifications.lag)}`,
            next: 'slotkeeper failed list shows the reason; slotkeeper failed retry --all retries at once',
          },
        ]),
  ];
}

function queueLines(queues: Status['queues'], paint: (style: Colour, text: string) => string): string[] {
  const names = Object.keys(queues);
  if (names.length === 0) return [paint('yellow', 'the queue is unavailable')];
  const states = [...new Set(names.flatMap((name) => Object.keys(queues[name] ?? {})))];
  const rows = names.map((name) => [name, ...states.map((state) => String(queues[name]?.[state] ?? ''))]);
  const [header = '', ...lines] = aligned([['queue', ...states], ...rows]);
  return [paint('dim', header), ...lines];
}

/** `2026-12-01 10:30 to 10:40`, in the account's zone. */
function spanOf(start: string, end: string): string {
  const [startDate = '', startTime = ''] = start.split('T');
  const [endDate = '', endTime = ''] = end.split('T');
  const until = startDate === endDate ? endTime.slice(0, 5) : `${endDate} ${endTime.slice(0, 5)}`;
  return `${startDate} ${startTime.slice(0, 5)} to ${until}`;
}

const waits = (n: number): string => (n === 1 ? 'waits' : 'wait');

/** `4 s`, `12 min`, `3 h`, `2 days`. */
function ageOf(ms: number): string {
  if (ms < 2 * MINUTE) return `${Math.round(ms / 1_000)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  return ms < 48 * HOUR ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / (24 * HOUR))} days`;
}
