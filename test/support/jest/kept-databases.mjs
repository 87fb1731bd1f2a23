// What a worker keeps from one test file to the next: databases that are made once and reset, and the connections to them,
// which outlive whoever opened them. For each new connection the server starts a process with empty caches, which
// takes forty times as long as resetting the session of one that was used. On all other databases a connection ends
// when it is ended.
import pg from 'pg';

/** So many are idle in a worker, at most: the server has 300 for all of them. */
const MOST_IDLE = 60;
/** Resets a session. Prepared statements stay: their names come from their texts. */
const RESET_SESSION = 'UNLISTEN *; SELECT pg_advisory_unlock_all(); RESET ALL';

/** By what they hold. */
export const idleDatabases = new Map();

const keptUrls = new Set();
const idle = new Set();
const becomingIdle = new Set();

export const keepConnections = (url) => void keptUrls.add(url);

/** The server's process ids of the connections that nobody uses. */
export async function idleProcesses() {
  await Promise.allSettled(becomingIdle);
  return [...idle].map(({ processID }) => processID);
}

/** One that is idle, if there is one of this kind. */
export function keptClient(config) {
  const kind = kindOf(config);
  const client = [...idle].findLast((one) => one.kind === kind);
  if (client === undefined) return new KeptClient(config);
  client.use();
  return client;
}

const kindOf = ({ connectionString, options, application_name, pipeline, types }) =>
  JSON.stringify([connectionString, options, application_name, pipeline, types !== undefined]);

class KeptClient extends pg.Client {
  #isConnected = false;
  #lost = () => void idle.delete(this);

  constructor(config) {
    super(config);
    this.kind = kindOf(config);
  }

  use() {
    idle.delete(this);
    this.off('error', this.#lost);
    this.ref();
  }

  connect(callback) {
    if (!this.#isConnected) {
      this.#isConnected = true;
      return super.connect(callback);
    }
    if (callback === undefined) return Promise.resolve();
    process.nextTick(callback);
    return undefined;
  }

  end(callback) {
    const becoming = this.#becomeIdle();
    becomingIdle.add(becoming);
    const ended = becoming
      .then((isIdle) => (isIdle ? undefined : super.end()))
      .finally(() => becomingIdle.delete(becoming));
    if (callback === undefined) return ended;
    ended.then(() => callback(), callback);
    return undefined;
  }

  /** @returns false where it is broken, in a transaction, or one too many */
  async #becomeIdle() {
    const isReset = await this.query(RESET_SESSION).then(
      () => true,
      () => false,
    );
    if (!isReset || this.getTransactionStatus() !== 'I' || idle.size === MOST_IDLE) return false;
    this.removeAllListeners();
    this.on('error', this.#lost);
    this.unref();
    idle.add(this);
    return true;
  }
}

// The product opens its connections through `pg.Pool`, which asks for it at each opening, and makes each with `new`.
const { Pool } = pg;
function Client(config) {
  return keptClient(config);
}
pg.Pool = class extends Pool {
  constructor(options) {
    super(keptUrls.has(options?.connectionString) ? { ...options, Client } : options);
  }
};
