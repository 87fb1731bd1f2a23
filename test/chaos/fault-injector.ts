// The marketplace's faults of a chaos run: every few seconds another mixture, drawn from the seed.
import type { FaultRule, Sandbox } from '../../src/sandbox/index.js';
import type { Storm } from './load.js';
import { SeededRandom } from './seeded-random.js';

export interface FaultInjectorOptions {
  readonly seed: number;
  /** How long the engine waits for one request, in milliseconds. */
  readonly timeoutMs: number;
  /** The firewall's page, and refusals that fail a day or a calendar until somebody asks: for runs that have the time. */
  readonly severe: boolean;
}

const WRITES = [
  'replaceSlots',
  'deleteSlots',
  'addCalendarBreak',
  'moveCalendarBreak',
  'deleteCalendarBreak',
  'bookSlot',
  'moveBooking',
  'cancelBooking',
] as const;
const OPERATIONS = [...WRITES, 'getSlots', 'getBookings', 'getCalendarBreaks'] as const;

/** Resolves when it is over and the sky is clear. */
export async function faultInjector(
  sandbox: Sandbox,
  clients: readonly string[],
  options: FaultInjectorOptions,
  storm: Storm,
): Promise<void> {
  const rng = new SeededRandom(options.seed, 1);
  while (!storm.isOver) {
    sandbox.faults.set(mixture(rng, clients, options), rng.int(1, 1_000_000));
    if (rng.chance(0.3)) sandbox.revokeTokens(rng.chance(0.5) ? rng.pick(clients) : undefined);
    await storm.pause(rng.int(1_500, 4_000));
  }
  sandbox.faults.clear();
}

function mixture(
  rng: SeededRandom,
  clients: readonly string[],
  { timeoutMs, severe }: FaultInjectorOptions,
): FaultRule[] {
  const rules: FaultRule[] = [
    { fault: { kind: 'latency', ms: { min: 0, max: 120 } }, probability: 0.6 },
    // Longer than anybody waits: it is carried out when the engine has given it up.
    ...WRITES.map(
      (operation): FaultRule => ({
        fault: { kind: 'latency', ms: { min: timeoutMs, max: timeoutMs * 1.8 } },
        match: { operation },
        probability: 0.04,
      }),
    ),
    {
      fault: { kind: 'slow-body', ms: timeoutMs * 1.5 },
      match: { operation: 'getSlots' },
      probability: 0.03,
    },
    { fault: { kind: 'slow-body', ms: 300 }, probability: 0.05 },
  ];
  const severity = rng.pick([0.3, 1, 2]);
  for (const operation of OPERATIONS) {
    const match = { operation };
    for (const fault of [
      { kind: 'status', status: rng.pick([500, 502, 503, 504]) },
      { kind: 'status', status: 503, retryAfter: 1 },
      { kind: 'status', status: rng.pick([500, 502, 504]), applied: true },
      { kind: 'too-many', retryAfter: rng.int(0, 2) },
      { kind: 'cut', when: 'before' },
      { kind: 'cut', when: 'after' },
      { kind: 'hang' },
      { kind: 'hang', applied: true },
    ] as const) {
      rules.push({ fault, match, probability: 0.02 * severity });
    }
  }
  rules.push({ fault: { kind: 'status', status: 503 }, match: { operation: 'token' }, probability: 0.1 });
  if (!severe) return rules;
  // Nobody answers at all for a while.
  if (rng.chance(0.1)) rules.unshift({ fault: { kind: 'status', status: 502 }, probability: 0.9 });
  for (const operation of WRITES) {
    const status = rng.pick([400, 403, 404, 409, 422]);
    rules.push({ fault: { kind: 'status', status }, match: { operation }, probability: 0.005 });
  }
  const client = rng.pick(clients);
  if (rng.chance(0.05) && client !== undefined) {
    rules.unshift({ fault: { kind: 'firewall', status: 405 }, match: { client }, times: rng.int(1, 5) });
  }
  return rules;
}
