// Connected applications: what a person has given which one, and how they take it back.
import type { Context } from 'koa';
import type { Connections } from '../../../domain/accounts/connections.ts';
import type { DescribeAccess } from '../../../domain/attributes/words.ts';
import type { DescribeResource } from '../../../domain/clients/resources.ts';
import type { Granted } from '../../../domain/consents/consents.ts';
import { GatehouseError } from '../../../lib/errors.ts';
import type { ClientOnPage } from '../../../oidc/pages/client-on-page.ts';
import type { ListedConsent } from '../../../store/consents.ts';
import type { Translate } from '../../../web/catalogue.ts';
import { redirect } from '../../../web/redirect.ts';
import { dayOf } from '../../../web/times.ts';
import { createConfirmed } from './confirm.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { FormHandler, SignedIn } from './require-sign-in.ts';
import { ACCOUNT, type Show } from './site.ts';

export interface ApplicationPagesNeeds {
  readonly connections: Connections;
  /** Undefined: it is no longer registered. */
  readonly findClient: (id: string) => Promise<ClientOnPage | undefined>;
  readonly resourceToWords: DescribeResource;
  readonly accessToWords: DescribeAccess;
  readonly show: Show;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

interface Application {
  readonly consent: ListedConsent;
  readonly name: string;
}

const PATH = `${ACCOUNT}/applications`;

export function createApplicationPages(needs: ApplicationPagesNeeds) {
  const { connections, findClient, flashMessages } = needs;

  const list = async (accountId: string): Promise<Application[]> => {
    const all = (await connections.list(accountId)).map(async (consent) => {
      const client = await findClient(consent.clientId);
      return client ? [{ consent, name: client.name }] : [];
    });
    return (await Promise.all(all)).flat();
  };

  const nameOf = async (ctx: Context, { account }: SignedIn): Promise<string> => {
    const all = await list(account.id);
    const found = all.find(({ consent }) => consent.clientId === ctx.params.client);
    if (!found) throw new GatehouseError('not_found');
    return found.name;
  };

  const revoke: FormHandler = async (ctx, { account }) => {
    const isDone = await connections.revoke(account.id, String(ctx.params.client));
    if (isDone) flashMessages.leave(ctx, 'access-revoked');
    redirect(ctx, ACCOUNT);
  };

  const asked = createConfirmed(needs.show, { act: 'revoke', name: nameOf, confirmed: revoke });
  return {
    section: async ({ account }: SignedIn) => ({
      items: (await list(account.id)).map((each) => itemOf(each, needs)),
    }),
    revokePage: asked.page,
    revoke: asked.submit,
  };
}

type Words = Pick<ApplicationPagesNeeds, 'accessToWords' | 'resourceToWords'>;

function itemOf({ consent: { clientId, granted, createdAt }, name }: Application, words: Words) {
  return {
    name,
    scopes: describeGranted(granted, words),
    since: dayOf(createdAt),
    revoke: `${PATH}/${encodeURIComponent(clientId)}/revoke`,
  };
}

function describeGranted(granted: Granted, words: Words): string[] {
  const { accessToWords, resourceToWords } = words;
  const own = accessToWords(granted).map(({ title }) => title);
  const describe = Object.entries(granted.resources).map(([identifier, allowed]) => {
    const { name, scopes } = resourceToWords(identifier, allowed);
    const what = scopes.map(({ title }) => title).join(', ');
    return what === '' ? name : `${name}: ${what}`;
  });
  return [...own, ...describe];
}
