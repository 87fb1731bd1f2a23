/** Whether memory stays flat while one process computes on and on. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { dayInput } from './calendars.js';
import { print, round } from './measure.js';
import { core } from './ways.js';

const MIB = 1024 * 1024;

export function memoryTable(): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const days = Array.from({ length: 84 }, (_, n) => dayInput(n, 'ISO 8601'));
  const rows: string[][] = [];
  for (let computed = 0; computed <= 4; computed++) {
    if (computed > 0)
      for (let i = 0; i < 100_000; i++) core(days[i % days.length] ?? dayInput(0, 'ISO 8601'));
    collect();
    rows.push([round(computed * 100_000), round(process.memoryUsage().heapUsed / MIB, 1)]);
  }
  print('Heap after a collection:', ['days computed', 'MiB'], rows);
}
