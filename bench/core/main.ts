/** `npm run bench:core`: how fast the core is, and how its cost and its memory grow. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { daysTable, growthTable } from './growth.js';
import { memoryTable } from './memory.js';
import { scatteredTable, waysTable } from './ways-table.js';

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}`);
await waysTable();
await scatteredTable();
await growthTable();
await daysTable();
memoryTable();
// A process of its own, so that its peak is not that of the tables above.
process.stdout.write(execFileSync(process.execPath, [fileURLToPath(new URL('./fleet.js', import.meta.url))]));
