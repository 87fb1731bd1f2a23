// The last line of a test run, for those who read no more than that: `12 passed, 0 failed`, and `, 3 skipped` if any.
import { writeSync } from 'node:fs';

/** What is used here of the results that Jest hands over. */
interface RunResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Files that could not be loaded, or that failed outside of a test. */
  readonly numRuntimeErrorTestSuites: number;
  readonly numTotalTestSuites: number;
}

interface RunSettings {
  readonly onlyChanged?: boolean;
}

/** What the line is made of; `undefined` until there was something to run. */
let line: { passed: number; failed: number; skipped: number; complete: boolean } | undefined;

/** From here on, the process says how the run ended even when it gets no further. */
export function runBegins(): void {
  line ??= { passed: 0, failed: 0, skipped: 0, complete: false };
}

/** A Jest reporter. It prints when the process exits, so that nothing comes after its line. */
export class ClosingLine {
  #settings: RunSettings;
  #foundNothing = false;

  constructor(settings: RunSettings) {
    this.#settings = settings;
    runBegins();
  }

  onTestResult(_test: unknown, _result: unknown, results: RunResults): void {
    count(results, false);
  }

  onRunComplete(_contexts: unknown, results: RunResults): void {
    count(results, true);
    this.#foundNothing = results.numTotalTestSuites === 0 && this.#settings.onlyChanged !== true;
    if (this.#foundNothing) process.stderr.write('A run that finds no test fails.\n');
  }

  /** Jest asks at the end, and fails the run for an error: a run that tests nothing by mistake is no success. */
  getLastError(): Error | undefined {
    return this.#foundNothing ? new Error('No test file was found') : undefined;
  }
}

function count(results: RunResults, complete: boolean): void {
  line = {
    passed: results.numPassedTests,
    failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    skipped: results.numPendingTests + results.numTodoTests,
    complete,
  };
}

/** A run that broke off has failed, whatever its tests said until then. */
export function closingLine({ passed, failed, skipped, complete }: NonNullable<typeof line>): string {
  const parts = [`${passed} passed`, `${complete ? failed : Math.max(failed, 1)} failed`];
  return (skipped > 0 ? [...parts, `${skipped} skipped`] : parts).join(', ');
}

process.once('exit', () => {
  if (line !== undefined) writeSync(process.stdout.fd, `${closingLine(line)}\n`);
});
