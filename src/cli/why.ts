/** `slotkeeper why`: explains whether a start is on offer, check by check, and what happens next. */
import { styleText } from 'node:util';
import { Command } from 'commander';
import { InvalidScheduleError } from '../core/index.js';
import { formatProblem } from '../lib/validation.js';
import type { Explanation } from '../monitoring/explanation.js';
import { aligned } from './aligned.js';
import { showsColours } from './colours.js';
import { withEngine } from './connect.js';
import { ReportedError, UsageError } from './exit.js';
import { describeEntry } from './history-text.js';
import type { Io } from './io.js';
import { configOption } from './settings.js';

interface Flags {
  readonly service?: string;
  readonly json?: boolean;
  readonly config?: string;
}

export function whyCommand(io: Io): Command {
  return new Command('why')
    .description('why a start is on offer, or is not')
    .argument('<calendar>', "the calendar's id")
    .argument('<instant>', "ISO 8601, a wall-clock time in the account's zone, or epoch milliseconds")
    .option('--service <id>', 'an address service; default: any')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(async (calendar: string, at: string, { service, json = false, config }: Flags) => {
      const explanation = await withEngine(io, { file: config }, (connected) =>
        connected.kind === 'engine'
          ? connected.engine.explain(calendar, at, { service }).catch(asWrongUse)
          : connected.api.explain(calendar, at, { service }),
      );
      if (explanation === undefined) {
        io.stderr.write(`slotkeeper: there is no calendar "${calendar}"\n`);
        throw new ReportedError();
      }
      io.stdout.write(
        json
          ? `${JSON.stringify(explanation)}\n`
          : describeExplanation(explanation, { colour: showsColours(io) }),
      );
    });
}

/** @throws {UsageError} with the same text as over HTTP */
function asWrongUse(error: unknown): never {
  throw error instanceof InvalidScheduleError ? new UsageError(formatProblem(error)) : error;
}

/** Readable without colours. */
const MARKS = { ok: ['green', '✔'], failed: ['red', '✘'], unknown: ['dim', '–'] } as const;

export function describeExplanation(
  explanation: Explanation,
  { colour }: { readonly colour: boolean },
): string {
  const { calendar, at, service, checks, next, timeline } = explanation;
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const mark = (ok: boolean | null): string => {
    const [style, text] = MARKS[ok === null ? 'unknown' : ok ? 'ok' : 'failed'];
    return paint(style, text);
  };
  const lines = aligned(checks.map(({ check, detail }) => [check, detail]));
  return [
    paint(
      'bold',
      `${calendar} ${at}${service === null ? '' : `, service ${service}`}: ${verdictOf(explanation)}`,
    ),
    ...lines.map((line, i) => `  ${mark(checks[i]?.ok ?? null)} ${line}`),
    `  → ${next}`,
    ...(timeline.length === 0 ? [] : ['', paint('bold', 'What happened')]),
    ...timeline.map((entry) => `  ${describeEntry(entry).trimEnd()}`),
    '',
  ].join('\n');
}

function verdictOf({ wanted, shown }: Explanation): string {
  if (shown === null) return wanted ? 'should be on offer' : 'should not be on offer';
  if (wanted) return shown ? 'is on offer' : 'should be on offer, and is not shown';
  return shown ? 'should not be on offer, and is shown' : 'is not on offer';
}
