// Authenticators: what an account has of every method, and the pages that rename and remove.
import { z } from 'zod';
import type { AddPhone } from '../../../signin/add-phone.ts';
import type { AccountCredentials, HeldCredential } from '../../../signin/credentials.ts';
import type { FactorNeeds } from '../../../signin/factors.ts';
import { fieldErrors } from '../../forms.ts';
import { redirect } from '../../redirect.ts';
import type { Translate } from '../../texts.ts';
import { dayOf } from '../../times.ts';
import { addPath } from './add-authenticator.ts';
import type { Present } from './entrance.ts';
import { createWithHeld, type HeldHandler } from './held.ts';
import { phonePath } from './phone.ts';
import { ACCOUNT, type Refuse, type Show } from './site.ts';
import type { Told } from './told.ts';

export interface AuthenticatorPagesNeeds extends FactorNeeds {
  readonly credentials: AccountCredentials;
  readonly addPhone: AddPhone;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly told: Told;
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
  const { credentials, show, refuse, told, t } = needs;
  const withHeld = createWithHeld(credentials);

  const section = async ({ account }: Present) => {
    const all = await credentials.list(account.id);
    const addHref = await addPath(account.id, needs);
    const items = all.map((each) => itemOf(each, t));
    const phoneHref = await phonePath(account.id, needs);
    return { items, ...(addHref ? { addHref } : {}), ...(phoneHref ? { phoneHref } : {}) };
  };

  const showRename: HeldHandler = (ctx, present, { name }) => {
    const actions = { submit: ctx.path };
    show(ctx, present, 'account/rename', { authenticator: { name }, actions });
  };

  const rename: HeldHandler = async (ctx, present, held, form) => {
    const read = renaming.safeParse(form);
    if (!read.success) {
      const errors = fieldErrors(read.error.issues, t);
      const values = { device_name: form.device_name ?? '' };
      return refuse(ctx, present, { status: 400, errors, values });
    }
    const name = read.data.device_name;
    const isDone = await credentials.rename(present.account, held, name);
    if (isDone) told.tell(ctx, 'authenticator-renamed');
    redirect(ctx, ACCOUNT);
  };

  const showRemove: HeldHandler = (ctx, present, { name, isLast }) => {
    if (isLast) return redirect(ctx, ACCOUNT);
    const actions = { submit: ctx.path };
    show(ctx, present, 'account/remove', { authenticator: { name, isLast }, actions });
  };

  const remove: HeldHandler = async (ctx, { account, session }, held) => {
    const isDone = await credentials.remove(account, held, session.uid);
    if (isDone) told.tell(ctx, 'authenticator-removed');
    redirect(ctx, ACCOUNT);
  };

  return {
    section,
    renamePage: withHeld.page(showRename),
    rename: withHeld.form(rename),
    removePage: withHeld.page(showRemove),
    remove: withHeld.form(remove),
  };
}

/** The last one stays: nobody is left without a second factor. */
function itemOf({ method, id, isLast, ...held }: HeldCredential, t: Translate) {
  const path = `${PATH}/${method.name}/${encodeURIComponent(id)}`;
  return {
    id,
    name: held.name,
    isDamaged: held.isDamaged === true,
    kind: t(`${method.page.texts}.kind`),
    addedAt: dayOf(held.createdAt),
    usedAt: held.usedAt === undefined ? null : dayOf(held.usedAt),
    actions: {
      ...(method.credentials?.rename ? { rename: `${path}/rename` } : {}),
      ...(isLast ? {} : { remove: `${path}/remove` }),
    },
  };
}
