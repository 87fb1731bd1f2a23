// Node's test environment, plus one promise: what a test file acquired through test/support is released after the file's
// own last hook, newest first, also when its tests failed. See test/support/release.ts.
import { TestEnvironment } from 'jest-environment-node';

export default class extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.slotkeeperReleases = [];
  }

  async handleTestEvent(event) {
    if (event.name !== 'run_finish') return;
    const failures = [];
    for (const release of this.global.slotkeeperReleases.splice(0).reverse()) {
      await release().catch((error) => failures.push(error));
    }
    if (failures.length > 0) {
      const reasons = failures.map((error) => error?.stack ?? String(error)).join('\n');
      throw new Error(`After the tests of this file, not everything could be released:\n${reasons}`);
    }
  }
}
