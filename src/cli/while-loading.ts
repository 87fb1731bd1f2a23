/** Limits V8's young generation while modules are imported. */
import { setFlagsFromString } from 'node:v8';
import type { Worker } from 'node:worker_threads';

const setGrowth = (factor: number): void => setFlagsFromString(`--semi-space-growth-factor=${factor}`);
/** V8's default. */
const DEFAULT_GROWTH = 2;

const disableGrowth = (): void => setGrowth(1);
/** V8 resets the factor when a thread starts. */
const disableGrowthAgain = (worker: Worker): void => void worker.once('online', disableGrowth);

/**
 * Nearly everything that an import allocates survives, so V8 would grow its young generation to the maximum, and release the memory
 * only after a minute with little work. Growth is therefore disabled during the import.
 */
export async function whileLoading<T>(load: () => Promise<T>): Promise<T> {
  disableGrowth();
  process.on('worker', disableGrowthAgain);
  try {
    return await load();
  } finally {
    process.off('worker', disableGrowthAgain);
    setGrowth(DEFAULT_GROWTH);
  }
}
