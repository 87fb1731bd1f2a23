/**
 * Handles a push of the marketplace: it is committed before it is answered with 2xx. A push that cannot be parsed is stored too,
 * because a refusal would cancel a patient's booking. Contract: Notifications.
 */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { Account } from '../db/tables/accounts.js';
import { isApprovalRequest, parseNotification } from '../docplanner/index.js';
import type { ApprovalAnswer, Approvals } from './approvals.js';
import {
  isUnreadableApprovalRequest,
  type NotificationSubject,
  parseSubject,
} from './parsed-notification.js';

export interface PushOptions {
  readonly approvals: Approvals;
  /** Resolves when the notification is committed. */
  readonly ingest: (account: Account, subject: NotificationSubject) => Promise<void>;
  readonly now: () => number;
}

export type PushResult =
  | { readonly kind: 'stored' }
  | { readonly kind: 'answered'; readonly answer: ApprovalAnswer };

/** @param body the raw request body */
export async function receivePush(options: PushOptions, account: Account, body: Buffer): Promise<PushResult> {
  const { approvals, ingest, now } = options;
  const parsed = parseBody(body);
  if (parsed.kind === 'unreadable') {
    await ingest(account, unreadableSubject(body, parsed.problem));
    return { kind: 'stored' };
  }
  const { notification } = parsed;
  if (isApprovalRequest(notification)) {
    return { kind: 'answered', answer: await approvals.answer(account, notification) };
  }
  await ingest(account, parseSubject(notification, now()));
  // The requested time is unknown and may be busy, so the request is denied.
  return isUnreadableApprovalRequest(notification)
    ? { kind: 'answered', answer: approvals.denied(account, 'not-offered') }
    : { kind: 'stored' };
}

type ParsedBody =
  | { readonly kind: 'parsed'; readonly notification: ReturnType<typeof parseNotification> }
  | { readonly kind: 'unreadable'; readonly problem: string };

function parseBody(body: Buffer): ParsedBody {
  if (!isUtf8(body)) return { kind: 'unreadable', problem: 'not text' };
  try {
    return { kind: 'parsed', notification: parseNotification(JSON.parse(body.toString('utf8'))) };
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: 'unreadable', problem: 'not JSON' };
    throw error;
  }
}

/** The body is stored as text, or as base64 where it is not UTF-8. */
function unreadableSubject(body: Buffer, problem: string): NotificationSubject {
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
