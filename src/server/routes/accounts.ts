/** Routes of accounts. Responses never contain secrets. */
import { z } from 'zod';
import { ConfigError } from '../../config/config-error.js';
import { accountSchema, ownId, toAccount } from '../../config/schema.js';
import {
  type Account,
  deleteAccount,
  getAccount,
  listAccounts,
  type Notifications,
  type Source,
} from '../../db/tables/accounts.js';
import { countCalendars } from '../../db/tables/calendars.js';
import { API_ACTOR } from '../auth.js';
import { conflict, notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId });

const viewAccount = ({
  clientSecret: _,
  overHttp: __,
  notifications,
  delivery,
  source,
  ...account
}: Account) => ({
  ...account,
  ...(delivery === undefined ? {} : { delivery: { url: delivery.url, events: delivery.events } }),
  notifications: withoutKey(notifications),
  ...(source === undefined ? {} : { source: withoutHeaders(source) }),
});

const withoutKey = ({ apiKey: _, ...notifications }: Notifications) => notifications;
const withoutHeaders = ({ headers: _, ...source }: Source) => source;

export const accountRoutes: Routes = (server, engine) => {
  server.get('/accounts', async () => (await listAccounts(engine.db)).map(viewAccount));

  server.get('/accounts/:id', { schema: { params } }, async ({ params: { id } }) => {
    const account = await getAccount(engine.db, id);
    if (account === undefined) throw notFound(`there is no account "${id}"`);
    return viewAccount(account);
  });

  server.put('/accounts/:id', { schema: { params, body: accountSchema } }, async (request, reply) => {
    const { id } = request.params;
    const isNew = (await getAccount(engine.db, id)) === undefined;
    const account: Account = { ...toAccount(id, request.body), overHttp: true };
    await engine.putAccount(account, { actor: API_ACTOR }).catch((error: unknown) => {
      if (!(error instanceof ConfigError)) throw error;
      throw new ProblemError({ status: 400, title: 'Invalid request', errors: error.problems });
    });
    return reply.code(isNew ? 201 : 200).send(viewAccount(account));
  });

  server.delete('/accounts/:id', { schema: { params } }, async (request, reply) => {
    const { id } = request.params;
    const { open, closing } = await countCalendars(engine.db, id);
    if (open + closing > 0) {
      const also = closing > 0 ? `, ${closing} of them being closed` : '';
      throw conflict(`the account "${id}" still has ${open + closing} calendars${also}`);
    }
    if (!(await deleteAccount(engine.db, id, new Date(engine.now()), API_ACTOR)))
      throw notFound(`there is no account "${id}"`);
    return reply.code(204).send();
  });
};
