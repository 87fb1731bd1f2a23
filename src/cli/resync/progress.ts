/** How far a resync is: a bar on a terminal, a plain line now and then elsewhere. */
import type { ResyncReport } from '../../engine/resyncs-face.js';
import type { Output } from '../io.js';

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
  return {
    show: (report) => {
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
  return {
    show: (report) => {
      if (now() - said < SAY_EVERY_MS && report.finishedAt === null) return;
      said = now();
      stream.write(`${textOf(report, now())}\n`);
    },
    end: () => undefined,
  };
}

export function textOf(report: ResyncReport, now: number): string {
  const { calendars, calendarsDone, differences, writes, finishedAt } = report;
  const { missing, extra, stale, foreign } = differences;
  const left = finishedAt === null ? timeLeft(report, now) : undefined;
  return [
    `${calendarsDone}/${calendars} calendars`,
    `${missing + extra + stale + foreign} differences`,
    `${writes} writes`,
    ...(left === undefined ? [] : [`${left} left`]),
  ].join(', ');
}

/** As long as what is done took, for what is left. */
function timeLeft({ calendars, calendarsDone, startedAt }: ResyncReport, now: number): string | undefined {
  if (calendarsDone === 0) return undefined;
  const seconds = ((now - Date.parse(startedAt)) / 1_000 / calendarsDone) * (calendars - calendarsDone);
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
