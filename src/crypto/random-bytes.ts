/** Random bytes from a pool, because one read from the system takes as long as the encryption of a whole notification. */
import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4_096;

let pool = Buffer.alloc(0);

/** Each byte is returned once, and erased from the pool. @param length at most 4,096 */
export function randomBytes(length: number): Buffer {
  if (length > POOL_BYTES) throw new RangeError(`there are at most ${POOL_BYTES} random bytes at a time`);
  if (pool.length < length) pool = randomFillSync(Buffer.alloc(POOL_BYTES));
  const bytes = Buffer.from(pool.subarray(0, length));
  pool.fill(0, 0, length);
  pool = pool.subarray(length);
  return bytes;
}
