// The order of the test files: those of the project `random`, of which one waits longest for others, begin first, so that
// no run ends with one of them alone. The rest is Jest's own order, in which those go first that took longest the last time.
import Sequencer from '@jest/test-sequencer';

const goesFirst = ({ context }) => context.config.displayName?.name === 'random';

export default class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(goesFirst), ...sorted.filter((test) => !goesFirst(test))];
  }
}
