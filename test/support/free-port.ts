// Ports that nobody listens on, for servers that a test starts, stops and starts again.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range from which systems take the local ports of outgoing connections (Linux: 32768 and up), so that no
// connection can sit on a server's port while the server is stopped for a moment.
const FIRST = 20_000;
const AFTER_LAST = 32_000;
const ATTEMPTS = 50;

/** A port on 127.0.0.1 that was free a moment ago, drawn at random so that parallel test files rarely meet. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST, AFTER_LAST);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port found in ${ATTEMPTS} attempts between ${FIRST} and ${AFTER_LAST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
