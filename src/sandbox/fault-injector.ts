// Injects faults into the API by rules. A rule names the requests that it matches and how often it triggers. Every rule draws
// from its own seeded stream: equal requests with an equal seed get equal faults, and an added rule does not change the others.
import { z } from 'zod';
import type { AddressRef } from './address.js';
import { type Random, seededStream } from './random.js';

const ms = z.number().nonnegative().max(600_000);

const faultSchema = z.discriminatedUnion('kind', [
  /** Real milliseconds of processing before the request is applied. Latencies add up and combine with any other fault. */
  z.strictObject({ kind: z.literal('latency'), ms: z.union([ms, z.strictObject({ min: ms, max: ms })]) }),
  /** A response in the contract's error shape: instead of processing, or after it when `applied` is true. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(400).max(599),
    message: z.string().optional(),
    errors: z.record(z.string(), z.array(z.string())).optional(),
    /** Seconds, sent as Retry-After. */
    retryAfter: z.int().nonnegative().optional(),
    applied: z.boolean().optional(),
  }),
  /** 429 with Retry-After in seconds; the request is not applied. */
  z.strictObject({ kind: z.literal('too-many'), retryAfter: z.int().nonnegative() }),
  /** The firewall's HTML page; the request is not applied. */
  z.strictObject({ kind: z.literal('firewall'), status: z.literal([403, 405]) }),
  /** The connection is cut without a response, before or after the request is applied. */
  z.strictObject({ kind: z.literal('cut'), when: z.enum(['before', 'after']) }),
  /** The headers are sent at once, the body over this many real milliseconds. */
  z.strictObject({ kind: z.literal('slow-body'), ms }),
  /** No response until the client or `stop` closes the connection. */
  z.strictObject({ kind: z.literal('hang'), applied: z.boolean().optional() }),
]);

const matchSchema = z.strictObject({
  /** The contract's name, such as `replaceSlots`, or `token`. */
  operation: z.string().optional(),
  method: z.string().optional(),
  /** A substring of the path with its query. */
  path: z.string().optional(),
  client: z.string().optional(),
  facilityId: z.string().optional(),
  doctorId: z.string().optional(),
  addressId: z.string().optional(),
});

export const faultRuleSchema = z.strictObject({
  fault: faultSchema,
  /** All given fields must match. Without it the rule matches every request of the API and of the token endpoint. */
  match: matchSchema.optional(),
  /** The probability that the rule triggers for a matching request; default 1. */
  probability: z.number().min(0).max(1).optional(),
  /** How many matching requests pass before the rule can trigger. */
  after: z.int().nonnegative().optional(),
  /** How often the rule triggers; default unlimited. */
  times: z.int().positive().optional(),
});

export type Fault = z.output<typeof faultSchema>;
export type FaultRule = z.output<typeof faultRuleSchema>;

/** The properties of a request that rules match. */
export interface FaultTarget {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly client: string | undefined;
  readonly address: AddressRef | undefined;
}

/** The faults drawn for one request: a latency in real milliseconds, and at most one other fault. */
export interface DrawnFaults {
  readonly latency: number;
  readonly fault: Exclude<Fault, { kind: 'latency' }> | undefined;
  /** Aborted when the rules are replaced or cleared; requests that wait then continue at once. */
  readonly resume: AbortSignal;
  /** For the request log, such as `latency+cut-after`; undefined without a fault. */
  readonly label: string | undefined;
}

interface ActiveRule {
  readonly rule: FaultRule;
  readonly random: Random;
  seen: number;
  acted: number;
}

export class FaultInjector {
  readonly #seed: number;
  #rules: ActiveRule[] = [];
  #resume = new AbortController();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * Replaces all rules and resets counts and random streams. The first rule that triggers decides; latencies add up. Requests
   * that wait in a latency or a slow body of the old rules continue at once; a request in `hang` stays unanswered.
   */
  set(rules: readonly FaultRule[], seed: number = this.#seed): void {
    this.#resume.abort();
    this.#resume = new AbortController();
    this.#rules = rules.map((rule, n) => ({ rule, random: seededStream(seed, n), seen: 0, acted: 0 }));
  }

  clear(): void {
    this.set([]);
  }

  /** The current rules, each with how many requests matched and for how many the rule triggered. */
  get rules(): readonly { readonly rule: FaultRule; readonly seen: number; readonly acted: number }[] {
    return this.#rules.map(({ rule, seen, acted }) => ({ rule, seen, acted }));
  }

  draw(target: FaultTarget): DrawnFaults {
    let latency = 0;
    let deciding: DrawnFaults['fault'];
    const labels: string[] = [];
    for (const active of this.#rules) {
      const isLatency = active.rule.fault.kind === 'latency';
      if (!matchesRule(active.rule, target) || !drawTrigger(active) || (deciding !== undefined && !isLatency))
        continue;
      active.acted++;
      labels.push(faultLabel(active.rule.fault));
      if (active.rule.fault.kind === 'latency') latency += drawFromRange(active.rule.fault.ms, active.random);
      else deciding = active.rule.fault;
    }
    return {
      latency,
      fault: deciding,
      resume: this.#resume.signal,
      label: labels.length === 0 ? undefined : labels.join('+'),
    };
  }
}

function matchesRule({ match = {} }: FaultRule, target: FaultTarget): boolean {
  const { facilityId, doctorId, addressId } = target.address ?? {};
  return (
    matchesField(match.operation, target.operation) &&
    matchesField(match.method?.toUpperCase(), target.method) &&
    matchesField(match.client, target.client) &&
    matchesField(match.facilityId, facilityId) &&
    matchesField(match.doctorId, doctorId) &&
    matchesField(match.addressId, addressId) &&
    (match.path === undefined || target.path.includes(match.path))
  );
}

function matchesField(expected: string | undefined, actual: string | undefined): boolean {
  return expected === undefined || expected === actual;
}

/** Draws for every matching request, whether or not the rule triggers, so that the stream depends only on the requests. */
function drawTrigger(active: ActiveRule): boolean {
  const { probability = 1, after = 0, times = Number.POSITIVE_INFINITY } = active.rule;
  const drawn = active.random();
  active.seen++;
  return active.seen > after && active.acted < times && drawn < probability;
}

function drawFromRange(
  range: number | { readonly min: number; readonly max: number },
  random: Random,
): number {
  return typeof range === 'number' ? range : range.min + random() * Math.max(0, range.max - range.min);
}

function faultLabel(fault: Fault): string {
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
