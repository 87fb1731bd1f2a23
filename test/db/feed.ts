/** Reading notifications as the delivery service does: positions are assigned first. */
import type { Encryptor } from '../../src/crypto/encryptor.js';
import type { Db } from '../../src/db/schema.js';
import type { NotificationItem } from '../../src/db/tables/notification-item.js';
import {
  assignPositions,
  type Feed,
  type FeedQuery,
  findFeedPage,
  findNotification,
} from '../../src/db/tables/notifications.js';

export async function readFeed(db: Db, encryptor: Encryptor, query: FeedQuery): Promise<Feed> {
  await assignPositions(db);
  return await findFeedPage(db, encryptor, query);
}

export async function readNotification(
  db: Db,
  encryptor: Encryptor,
  id: string,
): Promise<NotificationItem | undefined> {
  await assignPositions(db);
  return await findNotification(db, encryptor, id);
}
