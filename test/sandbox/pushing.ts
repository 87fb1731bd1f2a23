// Starts a sandbox with a stopped clock and an hour of slots that pushes to a receiver.
import type { Client, Sandbox, SandboxOptions } from '../../src/sandbox/index.js';
import { ManualTimers } from '../support/manual-timers.js';
import { A, MORNING, partner, period, startSandbox } from './helper.js';
import { pushed, type Receiver, startReceiver } from './receiver.js';

export const at = (time: string) => `2026-11-16T${time}:00+01:00`;
export const visit = (time: string) => ({ start: at(time), serviceId: '123' });
export const lunch = { since: at('12:00'), till: at('13:00') };

const NO_LIMITS = { writesPerMinute: null, writesPerHour: null, requestsPerHour: null };

export async function pushing(
  push: Partial<NonNullable<Client['push']>> = {},
): Promise<{ receiver: Receiver; sandbox: Sandbox; timers: ManualTimers }> {
  const receiver = await startReceiver();
  const timers = new ManualTimers();
  return { receiver, sandbox: await published({ clients: pushed(receiver, push), timers }), timers };
}

export async function published(options: SandboxOptions): Promise<Sandbox> {
  const sandbox = await startSandbox({ tokenSeconds: 90 * 86_400, limits: NO_LIMITS, ...options });
  sandbox.clock.set(MORNING, { stopped: true });
  const send = await partner(sandbox);
  await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
  return sandbox;
}
