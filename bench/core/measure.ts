/** Measuring on a machine that others use too, and printing what came out. */
import { Bench } from 'tinybench';

const ROUNDS = 5;

/**
 * Milliseconds that each of the tasks takes. They take turns, and of each the fastest run counts: what else runs on
 * the machine can only make a run slower.
 */
export async function measure<Name extends string>(
  tasks: Readonly<Record<Name, () => unknown>>,
  time = 200,
): Promise<Record<Name, number>> {
  const best: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const bench = new Bench({ time, iterations: 3, warmupTime: time / 2, warmupIterations: 1 });
    for (const name in tasks) bench.add(name, () => void tasks[name]());
    await bench.run();
    for (const { name, result } of bench.tasks) {
      if (result.state !== 'completed') throw new Error(`${name} was ${result.state}`);
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, result.latency.min);
    }
  }
  return best;
}

/** Makes the run fail, at its end, where a ratio is below what is asked for. */
export function atLeast(least: number, ratio: number, what: string): void {
  if (ratio >= least) return;
  console.error(`Too slow: ${what}: ${round(ratio, 2)}, and at least ${least} is asked for`);
  process.exitCode = 1;
}

/** A Markdown table: the first column to the left, numbers to the right. */
export function print(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  console.log([`\n${title}\n`, line(head), rule, ...rows.map(line)].join('\n'));
}

export const round = (n: number, digits = 0) =>
  n.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
