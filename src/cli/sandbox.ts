/** `slotkeeper sandbox`: a marketplace to develop against, as a process of its own. */
import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { Sandbox } from '../sandbox/index.js';
import type { Io } from './io.js';
import { ListenError } from './listen.js';

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('a port is 0 to 65535.');
  return port;
}

export function sandboxCommand({ stdout, signals }: Io): Command {
  return new Command('sandbox')
    .description('run a marketplace to develop against; point an account at it with baseUrl')
    .option('--port <port>', 'where it listens; 0 takes a free one', parsePort, 8090)
    .option('--host <host>', 'the address it listens on', '127.0.0.1')
    .action(async ({ port, host }: { port: number; host: string }) => {
      const sandbox = new Sandbox();
      const stopped = Promise.race([once(signals, 'SIGINT'), once(signals, 'SIGTERM')]);
      const url = await sandbox.start({ port, host }).catch((error: unknown) => {
        throw new ListenError(host, port, error, '--port');
      });
      stdout.write(
        `the sandbox listens on ${url}\n` +
          `requests that came: ${url}/_sandbox/requests   what was pushed: ${url}/_sandbox/deliveries\n` +
          `what a patient sees: ${url}/_sandbox/patient?facility=&doctor=&address=&from=&to=\n`,
      );
      await stopped;
      await sandbox.stop();
    });
}
