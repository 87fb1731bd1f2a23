import { describe, expect, test } from '@jest/globals';
import { eventually } from './eventually.js';

describe('eventually', () => {
  test('gives the first truthy value', async () => {
    let looks = 0;
    expect(await eventually(() => (++looks === 3 ? 'there' : undefined), { every: 1 })).toBe('there');
    expect(looks).toBe(3);
  });

  test('takes an error as not yet', async () => {
    let looks = 0;
    const look = async () => {
      looks += 1;
      expect(looks).toBeGreaterThan(2);
      return true;
    };
    await expect(eventually(look, { every: 1 })).resolves.toBe(true);
  });

  test('fails at the deadline with the last value', async () => {
    await expect(eventually(() => 0, { within: 20, every: 1 })).rejects.toThrow(
      /within 20 ms.*last value was 0/,
    );
  });

  test('fails at the deadline with the last error as its cause', async () => {
    const look = () => {
      throw new Error('still closed');
    };
    await expect(eventually(look, { within: 20, every: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('still closed'),
      cause: expect.objectContaining({ message: 'still closed' }),
    });
  });
});
