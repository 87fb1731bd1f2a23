/** Errors of listening on a port, as messages for people. */
import { once } from 'node:events';
import { createServer } from 'node:net';

export class ListenError extends Error {
  override readonly name = 'ListenError';

  /** @param setting the name of the setting of the port */
  constructor(host: string, port: number, cause: unknown, setting: string) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    super(`cannot listen on ${host}:${port}: ${reasons(setting)[code] ?? code}`, { cause });
  }
}

const reasons = (setting: string): Readonly<Record<string, string>> => ({
  EADDRINUSE: `another process uses the port; set another one with ${setting}`,
  EACCES: 'permission denied; ports below 1024 require privileges',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ENOTFOUND: 'the host does not exist',
});

/** @throws {ListenError} where the port cannot be used now */
export async function refuseBusyPort(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    throw new ListenError(host, port, error, 'PORT');
  }
  server.close();
  await once(server, 'close');
}
