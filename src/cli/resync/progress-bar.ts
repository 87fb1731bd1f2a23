/** How far a resync is: a bar on a terminal, a plain line now and then elsewhere. */
import type { ResyncReport } from '../../api/resyncs-api.js';
import type { Output } from '../io.js';
import { plural } from '../plural.js';

export interface Progress {
  show(report: ResyncReport): void;
  end(): void;
}

const BAR = 24;
const SAY_EVERY_MS = 5_000;

/** @param now epoch milliseconds */
export function progressOn(stream: Output, now: () => number): Progress {
  return stream.isTTY === true ? bar(stream, now) : lines(stream, now);
}

function bar(stream: Output, now: () => number): Progress {
  const waits = new Waits();
  return {
    show: (report) => {
      for (const line of waits.newIn(report)) stream.write(`\r\u001b[2K${line}\n`);
      const share = report.calendars === 0 ? 1 : report.calendarsDone / report.calendars;
      const full = Math.round(share * BAR);
      const picture = `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`;
      stream.write(`\r\u001b[2K${picture} ${textOf(report, now())}`);
    },
    end: () => void stream.write('\n'),
  };
}

function lines(stream: Output, now: () => number): Progress {
  let said = Number.NEGATIVE_INFINITY;
  const waits = new Waits();
  return {
    show: (report) => {
      for (const line of waits.newIn(report)) stream.write(`${line}\n`);
      if (now() - said < SAY_EVERY_MS && report.finishedAt === null) return;
      said = now();
      stream.write(`${textOf(report, now())}\n`);
    },
    end: () => undefined,
  };
}

/** The accounts that hold a resync up, each once for each reason. */
class Waits {
  readonly #shown = new Set<string>();

  newIn({ waiting }: ResyncReport): string[] {
    return waiting.flatMap(({ account, calendars, reason }) => {
      if (reason === null || this.#shown.has(`${account} ${reason}`)) return [];
      this.#shown.add(`${account} ${reason}`);
      return [`waits for ${plural(calendars, 'calendar')} of ${account}: ${reason}`];
    });
  }
}

export function textOf(report: ResyncReport, now: number): string {
  const { calendars, calendarsDone, differences, writes, finishedAt } = report;
  const { missing, extra, stale, foreign } = differences;
  const left = finishedAt === null ? timeLeft(report, now) : undefined;
  return [
    `${calendarsDone}/${plural(calendars, 'calendar')}`,
    plural(missing + extra + stale + foreign, 'difference'),
    plural(writes, 'write'),
    ...(left === undefined ? [] : [`${left} left`]),
  ].join(', ');
}

/** As long as what is done took, for what is left. */
function timeLeft(
  { calendars, calendarsDone, startedAt, waiting }: ResyncReport,
  now: number,
): string | undefined {
  // Nobody knows how long an account is held up.
  if (calendarsDone === 0 || waiting.some(({ reason }) => reason !== null)) return undefined;
  const seconds = ((now - Date.parse(startedAt)) / 1_000 / calendarsDone) * (calendars - calendarsDone);
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
