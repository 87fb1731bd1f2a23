/** Checks that the limit of open files suffices for the modules of the process and the embedded database. */
import { readFileSync } from 'node:fs';

/** The import of the modules alone opens about two hundred files. */
const MIN_OPEN_FILES = 512;

/** @param limits in the format of Linux; default those of this process @returns the problem, if there is one */
export function checkOpenFileLimit(limits: string = readLimits()): string | undefined {
  const [, max] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  if (max === undefined || Number(max) >= MIN_OPEN_FILES) return undefined;
  return (
    `the limit of open files is ${max}, and slotkeeper needs ${MIN_OPEN_FILES}: raise the limit ` +
    `(ulimit -n ${MIN_OPEN_FILES}, or LimitNOFILE of systemd)`
  );
}

/** Empty where the system is not Linux. */
function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
