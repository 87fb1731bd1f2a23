// Remembers how to release what a test file acquires (processes, folders, databases), so that no test has to.

declare global {
  /** Made by Jest's environment for each test file, and absent outside of one; see jest/environment.mjs. */
  var slotkeeperReleases: (() => Promise<void>)[] | undefined;
}

/**
 * Calls `release` after the last hook of the current test file, newest first. Outside of a test file it does nothing:
 * whoever acquired the thing there has to release it. `release` must do no harm when the thing is already gone.
 */
export function atEndOfTestFile(release: () => Promise<void>): void {
  globalThis.slotkeeperReleases?.push(release);
}
