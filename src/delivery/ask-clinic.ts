/**
 * Asks the clinic itself whether a patient may book or move, where it wants to be asked: signed like a webhook, and with so
 * little time that the marketplace is still answered. Who does not answer leaves it to the record.
 */
import { randomUUID } from 'node:crypto';
import { got } from 'got';
import { z } from 'zod';
import type { Account, Destination } from '../db/tables/accounts.js';
import { PrivateAddresses } from '../lib/private-addresses.js';
import type { Timers } from '../lib/timers.js';
import { type Addressee, destinationOf, keyOf } from './destination.js';
import { signed } from './sign.js';

export interface AskClinicOptions {
  /** For accounts without their own. */
  readonly forAll: Pick<Destination, 'approvalUrl' | 'secret'> | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly timers: Timers;
  /** For accounts that were put over HTTP; default: none may be asked. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

export interface ClinicAnswer {
  readonly approved: boolean;
  /** What the patient is told, as it was agreed with the marketplace. */
  readonly errorCode?: number;
}

/** What is asked: the marketplace's question, and our id of the calendar. It is about a patient. */
export interface ClinicQuestion {
  readonly name: string;
  readonly calendar: string;
  readonly data: unknown;
}

const DEADLINE_MS = 1_500;
const denialSchema = z.object({ error_code: z.int() });

/** @returns undefined where the clinic is not asked, or does not answer in time with a 2xx or a 4xx */
export async function askClinic(
  { forAll, now, timers, privateAddresses = new PrivateAddresses([]) }: AskClinicOptions,
  account: Account,
  question: ClinicQuestion,
): Promise<ClinicAnswer | undefined> {
  const asked: Partial<Addressee> = destinationOf(account, forAll) ?? {};
  const { approvalUrl, secret, overHttp } = asked;
  const key = secret === undefined ? undefined : keyOf(secret);
  if (approvalUrl === undefined || key === undefined) return undefined;
  const at = new Date(now());
  const id = `ask_${randomUUID()}`;
  const body = JSON.stringify({ id, account: account.id, ...question });
  const over = new AbortController();
  const late = new AbortController();
  void timers.sleep(DEADLINE_MS, over.signal).then(() => {
    if (!over.signal.aborted) late.abort();
  });
  try {
    const { statusCode, body: answer } = await got.post(approvalUrl, {
      body,
      headers: signed(key, id, at, body),
      signal: late.signal,
      ...(overHttp === true ? { agent: privateAddresses.agents } : {}),
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
    });
    if (statusCode >= 200 && statusCode < 300) return { approved: true };
    if (statusCode < 400 || statusCode >= 500) return undefined;
    const errorCode = denialSchema.safeParse(parse(answer)).data?.error_code;
    return { approved: false, ...(errorCode === undefined ? {} : { errorCode }) };
  } catch {
    // No answer in time, or none at all: the record decides. What was asked is in got's error, so that goes no further.
    return undefined;
  } finally {
    over.abort();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
