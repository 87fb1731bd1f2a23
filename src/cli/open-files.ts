/** Whether this process may open as many files as it has to: its own modules, and those of the embedded database. */
import { readFileSync } from 'node:fs';

/** Loading alone opens some two hundred at once. */
const LEAST = 512;

/** @param limits as Linux tells them; default those of this process @returns what is wrong, where something is */
export function tooFewFiles(limits: string = limitsOfThis()): string | undefined {
  const [, most] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  if (most === undefined || Number(most) >= LEAST) return undefined;
  return `this process may have only ${most} files open, and needs ${LEAST}: raise the limit (ulimit -n ${LEAST}, or LimitNOFILE of systemd)`;
}

/** Elsewhere nobody tells. */
function limitsOfThis(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
