/** Random bytes, fetched from the system in stock, since each fetch takes as long as sealing a whole notification. */
import { randomFillSync } from 'node:crypto';

const STOCK_BYTES = 4_096;

let stock = Buffer.alloc(0);

/** Each byte is given out once, and not kept. @param length at most 4,096 */
export function randomBytes(length: number): Buffer {
  if (length > STOCK_BYTES) throw new RangeError(`there are at most ${STOCK_BYTES} random bytes at a time`);
  if (stock.length < length) stock = randomFillSync(Buffer.alloc(STOCK_BYTES));
  const given = Buffer.from(stock.subarray(0, length));
  stock.fill(0, 0, length);
  stock = stock.subarray(length);
  return given;
}
