// A disk that gets full, without a disk: preloaded into a process (`smallDisk` in small-disk.ts), it lets files grow only by as many bytes
// as a file says, and says the same to who asks how much is left. Beyond that it fails as the system does. It is loaded into each
// thread of the process.
import { createRequire, syncBuiltinESMExports } from 'node:module';

const fs = createRequire(import.meta.url)('node:fs');
const { existsSync, readFileSync, renameSync, writeFileSync, fstatSync, writeSync, promises } = fs;
const file = process.env.SLOTKEEPER_TEST_DISK;
// The test writes one file and the process the other, each in one step: neither takes back what the other has written.
const usedFile = `${file}.used`;
const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const usedOf = (set) => {
  const used = existsSync(usedFile) ? read(usedFile) : undefined;
  return used?.set === set ? used.bytes : 0;
};
const disk = () => {
  const { free, ...more } = read(file);
  return { ...more, used: usedOf(more.set), free: free - usedOf(more.set) };
};

/** How many bytes a write adds to its file; one to no place in a file is none of the database's. */
const growthOf = (descriptor, length, position) =>
  typeof position === 'number' ? Math.max(0, position + length - fstatSync(descriptor).size) : 0;

fs.writeSync = (descriptor, buffer, offset, length, position) => {
  const growth = growthOf(descriptor, length, position);
  if (typeof position === 'number') {
    const { free, used, set, copies } = disk();
    if (growth > free || (copies && length > free)) {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
        errno: -28,
        code: 'ENOSPC',
        syscall: 'write',
      });
    }
    if (growth > 0) {
      writeFileSync(`${usedFile}.new`, JSON.stringify({ set, bytes: used + growth }));
      renameSync(`${usedFile}.new`, usedFile);
    }
  }
  return writeSync(descriptor, buffer, offset, length, position);
};
promises.statfs = async () => {
  const { free, shown } = disk();
  return { bsize: 1, bavail: shown ?? free };
};
syncBuiltinESMExports();
