// Remembers how to release what a test acquires (processes, folders, databases), so that no test has to.

declare global {
  /** Made by Jest's environment for each test file, and absent outside of one; see jest/environment.mjs. */
  var slotkeeperReleases: Release[] | undefined;
}

interface Release {
  (): Promise<unknown>;
  readonly outlivesTest?: boolean;
}

/**
 * Calls `release` after the last hook of the current test, newest first: nothing that a test is done with takes the next
 * one's time. What no single test acquires (a `beforeAll`, any test of a file with concurrent ones) is released after the
 * last hook of the file. Outside of a test file it does nothing: whoever acquired the thing there has to release it.
 * `release` must do no harm when the thing is already gone.
 */
export function atEndOfTest(release: () => Promise<unknown>): void {
  globalThis.slotkeeperReleases?.push(release);
}

/** The same after the last hook of the file, whoever acquires it: for what others that live as long still look for. */
export function atEndOfFile(release: () => Promise<unknown>): void {
  globalThis.slotkeeperReleases?.push(Object.assign(() => release(), { outlivesTest: true }));
}
