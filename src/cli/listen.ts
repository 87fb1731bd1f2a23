/** Ports that cannot be had, in words. */
import { once } from 'node:events';
import { createServer } from 'node:net';

export class ListenError extends Error {
  override readonly name = 'ListenError';

  /** @param setting what chooses the port */
  constructor(host: string, port: number, cause: unknown, setting: string) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    super(`cannot listen on ${host}:${port}: ${reasons(setting)[code] ?? code}`, { cause });
  }
}

const reasons = (setting: string): Readonly<Record<string, string>> => ({
  EADDRINUSE: `another process listens there; choose another port with ${setting}`,
  EACCES: 'not allowed; ports below 1024 need privileges',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
});

/** @throws {ListenError} where nothing can listen there now */
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
