// Authenticators: what an account has of every method, and the pages that rename and remove.
import { z } from 'zod';
import type { AccountCredentials, AccountFactor } from '../../../signin/credentials.ts';
import type { FactorStateNeeds } from '../../../signin/factor-state.ts';
import type { Translate } from '../../../web/catalogue.ts';
import { fieldErrors } from '../../../web/forms.ts';
import { redirect } from '../../../web/redirect.ts';
import { dayOf } from '../../../web/times.ts';
import { addLinks } from './add-factor.ts';
import { createWithFactor, type FactorHandler } from './factor-param.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { SignedIn } from './require-sign-in.ts';
import { ACCOUNT, type Refuse, type Show } from './site.ts';

export interface AuthenticatorPagesNeeds extends FactorStateNeeds {
  readonly credentials: AccountCredentials;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/authenticators`;

const renaming = z.object({
  device_name: z
    .string()
    .trim()
    .min(1, 'rename-authenticator.missing')
    .max(64, 'enrol-factor.name-too-long'),
});

export function createAuthenticatorPages(needs: AuthenticatorPagesNeeds) {
  const { credentials, show, refuse, flashMessages, t } = needs;
  const withFactor = createWithFactor(credentials);

  const section = async ({ account }: SignedIn) => {
    const all = await credentials.list(account.id);
    const items = all.map((each) => itemOf(each, t));
    return { items, adding: await addLinks(account, needs) };
  };

  const showRename: FactorHandler = (ctx, signedIn, { name }) => {
    const actions = { submit: ctx.path };
    show(ctx, signedIn, 'account/rename', { authenticator: { name }, actions });
  };

  const rename: FactorHandler = async (ctx, signedIn, owned, form) => {
    const read = renaming.safeParse(form);
    if (!read.success) {
      const errors = fieldErrors(read.error.issues, t);
      const values = { device_name: form.device_name ?? '' };
      return refuse(ctx, signedIn, { status: 400, errors, values });
    }
    const name = read.data.device_name;
    const isDone = await credentials.rename(signedIn.account, owned, name);
    if (isDone) flashMessages.leave(ctx, 'authenticator-renamed');
    redirect(ctx, ACCOUNT);
  };

  const showRemove: FactorHandler = (ctx, signedIn, { name, isLast }) => {
    if (isLast) return redirect(ctx, ACCOUNT);
    const actions = { submit: ctx.path };
    show(ctx, signedIn, 'account/remove', { authenticator: { name, isLast }, actions });
  };

  const remove: FactorHandler = async (ctx, { account, session }, owned) => {
    const isDone = await credentials.remove(account, owned, session.uid);
    if (isDone) flashMessages.leave(ctx, 'authenticator-removed');
    redirect(ctx, ACCOUNT);
  };

  return {
    section,
    renamePage: withFactor.page(showRename),
    rename: withFactor.form(rename),
    removePage: withFactor.page(showRemove),
    remove: withFactor.form(remove),
  };
}

/** The last one stays: nobody is left without a second factor. */
function itemOf({ factor, id, isLast, ...owned }: AccountFactor, t: Translate) {
  const path = `${PATH}/${factor.name}/${encodeURIComponent(id)}`;
  return {
    id,
    name: owned.name,
    isDamaged: owned.isDamaged === true,
    kind: t(`${factor.page.texts}.kind`),
    addedAt: dayOf(owned.createdAt),
    usedAt: owned.usedAt === undefined ? null : dayOf(owned.usedAt),
    actions: {
      ...(factor.credentials?.rename ? { rename: `${path}/rename` } : {}),
      ...(isLast ? {} : { remove: `${path}/remove` }),
    },
  };
}
