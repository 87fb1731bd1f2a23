import { describe, expect, test } from '@jest/globals';
import { DiskFullError } from '../../src/db/disk-full-error.js';
import { DiskSpace, MB } from '../../src/db/disk-space.js';
import { isUnavailable } from '../../src/db/is-unavailable.js';

function diskWith(freeMb: number) {
  const changes: string[] = [];
  const disk = { freeMb };
  const space = new DiskSpace('/data', {
    readFreeBytes: async () => disk.freeMb * MB,
    onChange: (isShort, freeMb) => changes.push(`${isShort ? 'short' : 'enough'} at ${freeMb}`),
  });
  return { space, disk, changes };
}

describe('the disk space of the embedded database', () => {
  test('accepts input whose fourfold size fits beside the reserve of 32 MB', async () => {
    const { space, disk } = diskWith(40);
    await expect(space.runWithSpace(2 * MB, async () => 'written')).resolves.toBe('written');
    const error = await space
      .runWithSpace(2 * MB + 1, async () => 'written')
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DiskFullError);
    expect(isUnavailable(error)).toBe(true);
    expect(String(error)).toBe(
      'DiskFullError: the embedded database in /data cannot be used: its disk has 40 MB left, and input is refused below 40 MB: free disk space',
    );
    disk.freeMb = 31;
    await expect(space.runWithSpace(0, async () => 'written')).rejects.toBeInstanceOf(DiskFullError);
  });

  test('counts concurrent input until its work has ended, also with an error', async () => {
    const { space } = diskWith(40);
    let end: () => void = () => {};
    const first = space.runWithSpace(2 * MB, () => new Promise<void>((resolve) => (end = resolve)));
    await expect(space.runWithSpace(1, async () => {})).rejects.toBeInstanceOf(DiskFullError);
    end();
    await first;
    await expect(space.runWithSpace(2 * MB, async () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    await space.runWithSpace(2 * MB, async () => {});
  });

  test('reports once that it is short, and once that it is enough again', async () => {
    const { space, disk, changes } = diskWith(40);
    for (const freeMb of [33, 31, 5, 40, 40]) {
      disk.freeMb = freeMb;
      await space.check();
      expect(space.isShort).toBe(freeMb < 32);
    }
    expect(changes).toEqual(['short at 31', 'enough at 40']);
  });
});
