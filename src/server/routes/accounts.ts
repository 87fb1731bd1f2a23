/** Accounts. Secrets go in and never come out. */
import { z } from 'zod';
import { accountSchema, ownId, toAccount } from '../../config/schema.js';
import { type Account, deleteAccount, getAccount, listAccounts } from '../../store/accounts.js';
import { listCalendars } from '../../store/calendars.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId });

const view = ({ clientSecret: _, notifications: { apiKey: __, ...notifications }, ...account }: Account) => ({
  ...account,
  notifications,
});

export const accountRoutes: Routes = (server, engine) => {
  server.get('/accounts', async () => (await listAccounts(engine.db)).map(view));

  server.get('/accounts/:id', { schema: { params } }, async ({ params: { id } }) => {
    const account = await getAccount(engine.db, id);
    if (account === undefined) throw notFound(`there is no account "${id}"`);
    return view(account);
  });

  server.put('/accounts/:id', { schema: { params, body: accountSchema } }, async (request, reply) => {
    const { id } = request.params;
    const isNew = (await getAccount(engine.db, id)) === undefined;
    const account = toAccount(id, request.body);
    await engine.putAccount(account);
    return reply.code(isNew ? 201 : 200).send(view(account));
  });

  server.delete('/accounts/:id', { schema: { params } }, async (request, reply) => {
    const { id } = request.params;
    const calendars = (await listCalendars(engine.db)).filter((calendar) => calendar.account === id);
    if (calendars.length > 0) {
      const detail = `the account "${id}" still has ${calendars.length} calendars`;
      throw new ProblemError({ status: 409, title: 'Conflict', detail });
    }
    if (!(await deleteAccount(engine.db, id))) throw notFound(`there is no account "${id}"`);
    return reply.code(204).send();
  });
};
