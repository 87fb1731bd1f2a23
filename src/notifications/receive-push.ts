/**
 * What the marketplace pushes: it is committed before it is answered 2xx. What cannot be read is kept, too, since a refusal
 * would cancel a patient's booking. Contract: Notifications.
 */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { Account } from '../db/tables/accounts.js';
import { isAsking, parseNotification } from '../docplanner/index.js';
import type { Answer, Approvals } from './approvals.js';
import { isUnreadQuestion, type NotificationSubject, parseSubject } from './parsed-notification.js';

export interface PushOptions {
  readonly approvals: Approvals;
  /** Resolves when they are committed. */
  readonly take: (account: Account, subject: NotificationSubject) => Promise<void>;
  readonly now: () => number;
}

export type Pushed = { readonly kind: 'kept' } | { readonly kind: 'answered'; readonly answer: Answer };

/** @param body as it came over the wire */
export async function receivePush(options: PushOptions, account: Account, body: Buffer): Promise<Pushed> {
  const { approvals, take, now } = options;
  const notification = read(body);
  if (notification.kind === 'unreadable') {
    await take(account, unreadable(body, notification.problem));
    return { kind: 'kept' };
  }
  const { said } = notification;
  if (isAsking(said)) return { kind: 'answered', answer: await approvals.answer(account, said) };
  await take(account, parseSubject(said, now()));
  // Nobody knows which time it is about: it may be taken.
  return isUnreadQuestion(said)
    ? { kind: 'answered', answer: approvals.denied(account, 'not-offered') }
    : { kind: 'kept' };
}

type Read =
  | { readonly kind: 'read'; readonly said: ReturnType<typeof parseNotification> }
  | { readonly kind: 'unreadable'; readonly problem: string };

function read(body: Buffer): Read {
  if (!isUtf8(body)) return { kind: 'unreadable', problem: 'not text' };
  try {
    return { kind: 'read', said: parseNotification(JSON.parse(body.toString('utf8'))) };
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: 'unreadable', problem: 'not JSON' };
    throw error;
  }
}

/** Kept as text, or as base64 where it is none. */
function unreadable(body: Buffer, problem: string): NotificationSubject {
  return {
    name: 'unknown',
    hash: hash('sha256', body, 'base64url'),
    createdAt: null,
    bookings: [],
    breaks: [],
    problem,
    data: body.toString(isUtf8(body) ? 'utf8' : 'base64'),
  };
}
