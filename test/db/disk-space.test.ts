import { describe, expect, test } from '@jest/globals';
import { DiskFullError } from '../../src/db/disk-full-error.js';
import { DiskSpace, MB } from '../../src/db/disk-space.js';
import { isUnavailable } from '../../src/db/is-unavailable.js';

function roomWith(freeMb: number) {
  const told: string[] = [];
  const disk = { freeMb };
  const room = new DiskSpace('/data', {
    readFreeBytes: async () => disk.freeMb * MB,
    onChange: (isShort, freeMb) => told.push(`${isShort ? 'short' : 'room'} at ${freeMb}`),
  });
  return { room, disk, told };
}

describe("the room on the embedded database's disk", () => {
  test('lets in what it has room for four times over, beside 32 MB', async () => {
    const { room, disk } = roomWith(40);
    await expect(room.runWithSpace(2 * MB, async () => 'taken')).resolves.toBe('taken');
    const error = await room.runWithSpace(2 * MB + 1, async () => 'taken').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DiskFullError);
    expect(isUnavailable(error)).toBe(true);
    expect(String(error)).toBe(
      'DiskFullError: the embedded database in /data cannot be used: its disk has 40 MB left, and input is refused below 40 MB: free disk space',
    );
    disk.freeMb = 31;
    await expect(room.runWithSpace(0, async () => 'taken')).rejects.toBeInstanceOf(DiskFullError);
  });

  test('counts what is being taken in at the same time, until that has ended, also where it fails', async () => {
    const { room } = roomWith(40);
    let end: () => void = () => {};
    const first = room.runWithSpace(2 * MB, () => new Promise<void>((resolve) => (end = resolve)));
    await expect(room.runWithSpace(1, async () => {})).rejects.toBeInstanceOf(DiskFullError);
    end();
    await first;
    await expect(room.runWithSpace(2 * MB, async () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    await room.runWithSpace(2 * MB, async () => {});
  });

  test('tells once that it is short, and once that it is not any more', async () => {
    const { room, disk, told } = roomWith(40);
    for (const freeMb of [33, 31, 5, 40, 40]) {
      disk.freeMb = freeMb;
      await room.check();
      expect(room.isShort).toBe(freeMb < 32);
    }
    expect(told).toEqual(['short at 31', 'room at 40']);
  });
});
