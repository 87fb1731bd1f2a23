/** The progress of a resync: a bar on a terminal, else a line of text at intervals. */
import type { ResyncReport } from '../../api/resyncs-api.js';
import type { Output } from '../io.js';
import { plural } from '../plural.js';

export interface Progress {
  show(report: ResyncReport): void;
  end(): void;
}

const BAR_WIDTH = 24;
const LINE_EVERY_MS = 5_000;

/** @param now epoch milliseconds */
export function progressOn(stream: Output, now: () => number): Progress {
  return stream.isTTY === true ? progressBar(stream, now) : progressLines(stream, now);
}

function progressBar(stream: Output, now: () => number): Progress {
  const waits = new Waits();
  return {
    show: (report) => {
      for (const line of waits.newIn(report)) stream.write(`\r\u001b[2K${line}\n`);
      const share = report.calendars === 0 ? 1 : report.calendarsDone / report.calendars;
      const full = Math.round(share * BAR_WIDTH);
      const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`;
      stream.write(`\r\u001b[2K${bar} ${describeProgress(report, now())}`);
    },
    end: () => void stream.write('\n'),
  };
}

function progressLines(stream: Output, now: () => number): Progress {
  let writtenAt = Number.NEGATIVE_INFINITY;
  const waits = new Waits();
  return {
    show: (report) => {
      for (const line of waits.newIn(report)) stream.write(`${line}\n`);
      if (now() - writtenAt < LINE_EVERY_MS && report.finishedAt === null) return;
      writtenAt = now();
      stream.write(`${describeProgress(report, now())}\n`);
    },
    end: () => undefined,
  };
}

/** The accounts that a resync waits for, each once for each reason. */
class Waits {
  readonly #shown = new Set<string>();

  newIn({ waiting }: ResyncReport): string[] {
    return waiting.flatMap(({ account, calendars, reason }) => {
      if (reason === null || this.#shown.has(`${account} ${reason}`)) return [];
      this.#shown.add(`${account} ${reason}`);
      return [`waiting for ${plural(calendars, 'calendar')} of ${account}: ${reason}`];
    });
  }
}

export function describeProgress(report: ResyncReport, now: number): string {
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

/** The remaining time, extrapolated from the finished calendars. */
function timeLeft(
  { calendars, calendarsDone, startedAt, waiting }: ResyncReport,
  now: number,
): string | undefined {
  // The duration of a wait for an account is unknown.
  if (calendarsDone === 0 || waiting.some(({ reason }) => reason !== null)) return undefined;
  const seconds = ((now - Date.parse(startedAt)) / 1_000 / calendarsDone) * (calendars - calendarsDone);
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
