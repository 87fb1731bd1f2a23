/** Keeps V8's young generation small while code is loaded. */
import { setFlagsFromString } from 'node:v8';
import type { Worker } from 'node:worker_threads';

const setGrowth = (factor: number): void => setFlagsFromString(`--semi-space-growth-factor=${factor}`);
/** V8's own. */
const GROWTH = 2;

const hold = (): void => setGrowth(1);
/** V8 sets it back for each thread that begins. */
const holdAgain = (worker: Worker): void => void worker.once('online', hold);

/**
 * Nearly all that loading code allocates stays. V8 would make its young generation as large for that as it gets, and give the
 * memory back only after a minute with little to do; so it does not grow meanwhile, and as ever afterwards.
 */
export async function whileLoading<T>(load: () => Promise<T>): Promise<T> {
  hold();
  process.on('worker', holdAgain);
  try {
    return await load();
  } finally {
    process.off('worker', holdAgain);
    setGrowth(GROWTH);
  }
}
