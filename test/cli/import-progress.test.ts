import { describe, expect, test } from '@jest/globals';
import { Progress } from '../../src/cli/import/progress-line.js';

function terminal(isTTY: boolean) {
  let text = '';
  return {
    isTTY,
    write: (more: string) => {
      text += more;
      return true;
    },
    /** The visible text of the line. */
    get line() {
      const shown: string[] = [];
      for (const part of text.split('\r'))
        [...part].forEach((letter, index) => {
          shown[index] = letter;
        });
      return shown.join('').trimEnd();
    },
  };
}

describe('the progress of an import', () => {
  test('is one line that is overwritten a few times a second, and is removed for other output', () => {
    let now = 0;
    const screen = terminal(true);
    const progress = new Progress(screen, () => now);
    progress.show('a-long-name.ndjson', 10, 0.255);
    expect(screen.line).toBe('a-long-name.ndjson: 25 % 10 snapshots');
    now += 100;
    progress.show('b', 11, undefined);
    expect(screen.line).toBe('a-long-name.ndjson: 25 % 10 snapshots');
    now += 100;
    progress.show('b', 12, undefined);
    expect(screen.line).toBe('b: 12 snapshots');
    progress.clear();
    expect(screen.line).toBe('');
  });

  test('is not shown without a terminal', () => {
    const pipe = terminal(false);
    const progress = new Progress(pipe, () => 0);
    progress.show('a', 1, 1);
    progress.clear();
    expect(pipe.line).toBe('');
  });
});
