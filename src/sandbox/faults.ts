// Faults on demand. A rule says which requests it meets and how often; every rule draws from its own seeded stream, so the
// same seed and the same requests meet the same faults, and one rule more does not disturb the others.
import { z } from 'zod';
import type { AddressRef } from './address.js';
import { type Random, seededStream } from './random.js';

const ms = z.number().nonnegative().max(600_000);

const faultSchema = z.discriminatedUnion('kind', [
  /** Real milliseconds of processing before anything is applied; adds to any other fault. */
  z.strictObject({ kind: z.literal('latency'), ms: z.union([ms, z.strictObject({ min: ms, max: ms })]) }),
  /** An answer in the contract's error shape, instead of processing or, `applied`, after it. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(400).max(599),
    message: z.string().optional(),
    errors: z.record(z.string(), z.array(z.string())).optional(),
    /** Seconds, sent as Retry-After. */
    retryAfter: z.int().nonnegative().optional(),
    applied: z.boolean().optional(),
  }),
  /** 429 with Retry-After in seconds, nothing applied. */
  z.strictObject({ kind: z.literal('too-many'), retryAfter: z.int().nonnegative() }),
  /** The firewall's HTML page, nothing applied. */
  z.strictObject({ kind: z.literal('firewall'), status: z.literal([403, 405]) }),
  /** The connection is cut without a byte of an answer, before or after it was applied. */
  z.strictObject({ kind: z.literal('cut'), when: z.enum(['before', 'after']) }),
  /** Headers at once, the body over this many real milliseconds. */
  z.strictObject({ kind: z.literal('slow-body'), ms }),
  /** No answer at all, until the other side or `stop` ends the connection. */
  z.strictObject({ kind: z.literal('hang'), applied: z.boolean().optional() }),
]);

const matchSchema = z.strictObject({
  /** The contract's name, such as `replaceSlots`, or `token`. */
  operation: z.string().optional(),
  method: z.string().optional(),
  /** A part of the path with its query. */
  path: z.string().optional(),
  client: z.string().optional(),
  facilityId: z.string().optional(),
  doctorId: z.string().optional(),
  addressId: z.string().optional(),
});

export const faultRuleSchema = z.strictObject({
  fault: faultSchema,
  /** All that is named must fit; absent: every request of the API and the token endpoint. */
  match: matchSchema.optional(),
  /** Of meeting a request that fits; 1 by default. */
  probability: z.number().min(0).max(1).optional(),
  /** Fitting requests that are let pass first. */
  after: z.int().nonnegative().optional(),
  /** How often the rule acts before it rests; without end by default. */
  times: z.int().positive().optional(),
});

export type Fault = z.output<typeof faultSchema>;
export type FaultRule = z.output<typeof faultRuleSchema>;

/** What a rule can see of a request. */
export interface Target {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly client: string | undefined;
  readonly address: AddressRef | undefined;
}

/** What a request meets: its latency, and at most one fault besides. */
export interface Encounter {
  readonly latency: number;
  readonly fault: Exclude<Fault, { kind: 'latency' }> | undefined;
  /** Aborted when the rules are replaced or cleared: what waits goes on at once. */
  readonly letGo: AbortSignal;
  /** For the request log, such as `latency+cut-after`; undefined when nothing was met. */
  readonly label: string | undefined;
}

interface LiveRule {
  readonly rule: FaultRule;
  readonly random: Random;
  seen: number;
  acted: number;
}

export class Faults {
  readonly #seed: number;
  #rules: LiveRule[] = [];
  #holding = new AbortController();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * Replaces all rules; counts and random streams begin anew. The first rule that acts decides, latencies add up. Requests
   * that still wait in a latency or a slow body of the old rules go on at once; one left without an answer stays so.
   */
  set(rules: readonly FaultRule[], seed: number = this.#seed): void {
    this.#holding.abort();
    this.#holding = new AbortController();
    this.#rules = rules.map((rule, n) => ({ rule, random: seededStream(seed, n), seen: 0, acted: 0 }));
  }

  clear(): void {
    this.set([]);
  }

  /** The rules as they stand, with how many requests fitted and how many were met. */
  get rules(): readonly { readonly rule: FaultRule; readonly seen: number; readonly acted: number }[] {
    return this.#rules.map(({ rule, seen, acted }) => ({ rule, seen, acted }));
  }

  draw(target: Target): Encounter {
    let latency = 0;
    let decisive: Encounter['fault'];
    const labels: string[] = [];
    for (const live of this.#rules) {
      const isLatency = live.rule.fault.kind === 'latency';
      if (!fits(live.rule, target) || !acts(live) || (decisive !== undefined && !isLatency)) continue;
      live.acted++;
      labels.push(labelOf(live.rule.fault));
      if (live.rule.fault.kind === 'latency') latency += pick(live.rule.fault.ms, live.random);
      else decisive = live.rule.fault;
    }
    return {
      latency,
      fault: decisive,
      letGo: this.#holding.signal,
      label: labels.length === 0 ? undefined : labels.join('+'),
    };
  }
}

function fits({ match = {} }: FaultRule, target: Target): boolean {
  const { facilityId, doctorId, addressId } = target.address ?? {};
  return (
    is(match.operation, target.operation) &&
    is(match.method?.toUpperCase(), target.method) &&
    is(match.client, target.client) &&
    is(match.facilityId, facilityId) &&
    is(match.doctorId, doctorId) &&
    is(match.addressId, addressId) &&
    (match.path === undefined || target.path.includes(match.path))
  );
}

function is(wanted: string | undefined, actual: string | undefined): boolean {
  return wanted === undefined || wanted === actual;
}

/** Draws for every fitting request, acting or not, so that the stream depends on the requests alone. */
function acts(live: LiveRule): boolean {
  const { probability = 1, after = 0, times = Number.POSITIVE_INFINITY } = live.rule;
  const drawn = live.random();
  live.seen++;
  return live.seen > after && live.acted < times && drawn < probability;
}

function pick(range: number | { readonly min: number; readonly max: number }, random: Random): number {
  return typeof range === 'number' ? range : range.min + random() * Math.max(0, range.max - range.min);
}

function labelOf(fault: Fault): string {
  switch (fault.kind) {
    case 'cut':
      return `cut-${fault.when}`;
    case 'status':
      return `status-${fault.status}${fault.applied === true ? '-applied' : ''}`;
    case 'firewall':
      return `firewall-${fault.status}`;
    case 'hang':
      return fault.applied === true ? 'hang-applied' : 'hang';
    default:
      return fault.kind;
  }
}
