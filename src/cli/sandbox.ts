/** `slotkeeper sandbox`: runs a simulated marketplace for development. */
import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { Sandbox } from '../sandbox/index.js';
import type { Io } from './io.js';
import { ListenError } from './listen.js';

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  return port;
}

export function sandboxCommand({ stdout, signals }: Io): Command {
  return new Command('sandbox')
    .description('run a simulated marketplace for development; set the baseUrl of an account to it')
    .option('--port <port>', 'the port; 0 selects a free one', parsePort, 8090)
    .option('--host <host>', 'the address to listen on', '127.0.0.1')
    .action(async ({ port, host }: { port: number; host: string }) => {
      const sandbox = new Sandbox();
      const stopped = Promise.race([once(signals, 'SIGINT'), once(signals, 'SIGTERM')]);
      const url = await sandbox.start({ port, host }).catch((error: unknown) => {
        throw new ListenError(host, port, error, '--port');
      });
      stdout.write(
        `the sandbox listens on ${url}\n` +
          `received requests: ${url}/_sandbox/requests   sent pushes: ${url}/_sandbox/deliveries\n` +
          `the patient's view: ${url}/_sandbox/patient?facility=&doctor=&address=&from=&to=\n`,
      );
      await stopped;
      await sandbox.stop();
    });
}
