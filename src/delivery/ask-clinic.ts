/**
 * Requests the clinic's approval of a patient's booking or move, where the account has an approval URL. The request is signed
 * like a webhook and has a short deadline, because the marketplace waits for the answer. Without an answer the database decides.
 */
import { randomUUID } from 'node:crypto';
import { got } from 'got';
import { z } from 'zod';
import type { Account, Destination } from '../db/tables/accounts.js';
import { PrivateAddresses } from '../lib/private-addresses.js';
import type { Timers } from '../lib/timers.js';
import { destinationOf, signingKeyOf, type WebhookTarget } from './destination.js';
import { signHeaders } from './sign.js';

export interface AskClinicOptions {
  /** The destination of accounts without their own. */
  readonly fallback: Pick<Destination, 'approvalUrl' | 'secret'> | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly timers: Timers;
  /** Private addresses that accounts put over HTTP may name; default: none. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

export interface ClinicAnswer {
  readonly approved: boolean;
  /** The reason that the patient sees; the codes are agreed with the marketplace. */
  readonly errorCode?: number;
}

/** The marketplace's question and the id of the calendar. It contains patient data. */
export interface ClinicQuestion {
  readonly name: string;
  readonly calendar: string;
  readonly data: unknown;
}

const DEADLINE_MS = 1_500;
const denialSchema = z.object({ error_code: z.int() });

/** @returns undefined where the account has no approval URL, or the clinic does not answer in time with a 2xx or a 4xx */
export async function askClinic(
  { fallback, now, timers, privateAddresses = new PrivateAddresses([]) }: AskClinicOptions,
  account: Account,
  question: ClinicQuestion,
): Promise<ClinicAnswer | undefined> {
  const target: Partial<WebhookTarget> = destinationOf(account, fallback) ?? {};
  const { approvalUrl, secret, overHttp } = target;
  const key = secret === undefined ? undefined : signingKeyOf(secret);
  if (approvalUrl === undefined || key === undefined) return undefined;
  const at = new Date(now());
  const id = `ask_${randomUUID()}`;
  const body = JSON.stringify({ id, account: account.id, ...question });
  const finished = new AbortController();
  const timedOut = new AbortController();
  void timers.sleep(DEADLINE_MS, finished.signal).then(() => {
    if (!finished.signal.aborted) timedOut.abort();
  });
  try {
    const { statusCode, body: answer } = await got.post(approvalUrl, {
      body,
      headers: signHeaders(key, id, at, body),
      signal: timedOut.signal,
      ...(overHttp === true ? { agent: privateAddresses.agents } : {}),
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
    });
    if (statusCode >= 200 && statusCode < 300) return { approved: true };
    if (statusCode < 400 || statusCode >= 500) return undefined;
    const errorCode = denialSchema.safeParse(parseJson(answer)).data?.error_code;
    return { approved: false, ...(errorCode === undefined ? {} : { errorCode }) };
  } catch {
    // got's error contains the request with its patient data, so it is not logged.
    return undefined;
  } finally {
    finished.abort();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
