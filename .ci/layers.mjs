/**
 * Checks the layers of `src`: a folder imports only from folders that stand above it in this list, and no files import each
 * other in a circle. Prints what breaks the rule, and fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

const LAYERS = [
  'core',
  'lib',
  'crypto',
  'sandbox',
  'docplanner',
  'db/migrations',
  'db',
  'db/tables',
  'tasks',
  'queue',
  'marketplace-state',
  'notifications',
  'clinic',
  'delivery',
  'rate-limit',
  'context',
  'api',
  'linked-bookings',
  'publishing',
  'resync',
  'reconciler',
  'maintenance',
  'monitoring',
  'config',
  'setup',
  'container.ts',
  'engine.ts',
  'server',
  'index.ts',
  'cli',
];

const SOURCE = new URL('../src/', import.meta.url);
const IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g;

const files = readdirSync(SOURCE, { recursive: true }).filter((file) => file.endsWith('.ts'));
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const problems = [...wrongLayers(), ...circles()];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`${files.length} files in ${LAYERS.length} layers, no circle`);

function importsOf(file) {
  const source = readFileSync(new URL(file, SOURCE), 'utf8');
  return [...source.matchAll(IMPORT)].map(([, path]) =>
    posix.join(posix.dirname(file), path).replace(/\.js$/, '.ts'),
  );
}

/** The longest that fits. */
function layerOf(file) {
  const fitting = LAYERS.filter((layer) => file === layer || file.startsWith(`${layer}/`));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

function wrongLayers() {
  return [...imports].flatMap(([file, targets]) => {
    const own = LAYERS.indexOf(layerOf(file));
    if (own === -1) return [`src/${file} is in no layer: name its folder in .ci/layers.mjs`];
    return targets
      .filter((target) => LAYERS.indexOf(layerOf(target)) > own)
      .map((target) => `src/${file} imports src/${target}, which is in a higher layer`);
  });
}

/** Depth first; each circle once, from the file at which it was entered. */
function circles() {
  const found = [];
  const done = new Set();
  const visit = (file, path) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push(`circle: ${[...path.slice(at), file].map((one) => `src/${one}`).join(' > ')}`);
    if (at >= 0 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}
