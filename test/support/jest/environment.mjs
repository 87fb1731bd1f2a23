// Node's test environment, plus one promise: what was acquired through test/support is released, newest first, also when
// tests fail. What a test or its hooks acquired is released at its end, and the rest at the file's. See ../release.ts.
import { setFlagsFromString } from 'node:v8';
import { TestEnvironment } from 'jest-environment-node';
import './kept-databases.mjs';

// PGlite is WebAssembly: for as long as a test file works with it, making it fast costs more than it brings.
setFlagsFromString('--liftoff-only');

// Jest's own code has a realm of its own. What it compares a test's values with has to be of the test's.
const SHARED = [
  ...[
    'Object',
    'Function',
    'Array',
    'Number',
    'String',
    'Boolean',
    'BigInt',
    'Symbol',
    'Date',
    'RegExp',
    'Promise',
  ],
  ...[
    'Map',
    'Set',
    'WeakMap',
    'WeakSet',
    'Error',
    'AggregateError',
    'EvalError',
    'RangeError',
    'ReferenceError',
  ],
  ...['SyntaxError', 'TypeError', 'URIError', 'AbortSignal', 'AbortController'],
];

export default class extends TestEnvironment {
  /** Of several tests at the same time nobody knows which of them acquires a thing. */
  #oneAtATime = true;
  #beforeTheTest = 0;
  #releases = [];

  async setup() {
    await super.setup();
    for (const name of SHARED) this.global[name] = globalThis[name];
    globalThis.slotkeeperReleases = this.#releases;
    this.global.slotkeeperReleases = this.#releases;
  }

  // Not async: Jest asks for an answer at once while a file says which tests it has.
  handleTestEvent(event) {
    if (event.name === 'add_test') this.#oneAtATime &&= !event.concurrent;
    else if (event.name === 'test_start') this.#beforeTheTest = this.#releases.length;
    else if (event.name === 'test_done' && this.#oneAtATime) return this.#endTest(event.test);
    else if (event.name === 'run_finish') return this.#endFile();
    return undefined;
  }

  async #endTest(test) {
    const acquired = this.#releases.splice(this.#beforeTheTest);
    this.#releases.push(...acquired.filter(({ outlivesTest }) => outlivesTest));
    const own = acquired.filter(({ outlivesTest }) => !outlivesTest);
    const failure = await this.#release(own, 'this test');
    if (failure !== undefined) test.errors.push(failure);
  }

  async #endFile() {
    const failure = await this.#release(this.#releases.splice(0), 'the tests of this file');
    if (failure !== undefined) throw failure;
  }

  async #release(releases, what) {
    const failures = [];
    for (const release of releases.reverse()) {
      await release().catch((error) => failures.push(error));
    }
    if (failures.length === 0) return undefined;
    const reasons = failures.map((error) => error?.stack ?? String(error)).join('\n');
    return new Error(`After ${what}, not everything could be released:\n${reasons}`);
  }
}
