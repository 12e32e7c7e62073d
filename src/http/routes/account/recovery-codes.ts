// New recovery codes: shown until they are saved, and from then on in the place of the old ones.
import type { Context } from 'koa';
import { MADE_AT_ONCE, type RecoveryCodes } from '../../../factors/index.ts';
import type { NewRecoveryCodes } from '../../../signin/new-recovery-codes.ts';
import { sendCodes } from '../../../signin/steps/recovery-codes/page.ts';
import type { Translate } from '../../../web/catalogue.ts';
import { redirect } from '../../../web/redirect.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { FormHandler, PageHandler, SignedIn } from './require-sign-in.ts';
import { ACCOUNT, type Refuse, type Show } from './site.ts';

export interface RecoveryCodePagesNeeds {
  readonly recoveryCodes: RecoveryCodes;
  readonly newRecoveryCodes: NewRecoveryCodes;
  readonly product: string;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

export function createRecoveryCodePages(needs: RecoveryCodePagesNeeds) {
  const { recoveryCodes, newRecoveryCodes, show, refuse, flashMessages, t } = needs;
  const { name, views } = recoveryCodes;
  const path = `${ACCOUNT}/${name}`;

  const section = async ({ account }: SignedIn) => {
    if (account.mfaEnrolledAt === undefined) return { left: 0, of: 0 };
    return { left: (await recoveryCodes.left(account.id)) ?? 0, of: MADE_AT_ONCE, href: path };
  };

  const page: PageHandler = (ctx, signedIn) =>
    show(ctx, signedIn, views.account, {
      alert: { kind: 'info', text: t(`${views.accountTexts}.replace`) },
      codes: offered(signedIn),
      // Whoever continues says which ones they have saved.
      hidden: { offerContext: newRecoveryCodes.offerContextOf(signedIn.account, signedIn.session) },
      actions: { submit: path, download: `${path}.txt` },
    });

  const offered = ({ account, session }: SignedIn) => newRecoveryCodes.offer(account, session);

  /** Codes are for those who have a second factor. */
  const ifEnrolled =
    <Rest extends unknown[]>(
      handle: (ctx: Context, signedIn: SignedIn, ...rest: Rest) => unknown,
    ) =>
    async (ctx: Context, signedIn: SignedIn, ...rest: Rest): Promise<void> => {
      if (signedIn.account.mfaEnrolledAt === undefined) return redirect(ctx, ACCOUNT);
      await handle(ctx, signedIn, ...rest);
    };

  const submit: FormHandler = async (ctx, signedIn, form) => {
    const { account, session } = signedIn;
    if (form.saved !== 'yes') {
      const errors = { saved: t(`${views.texts}.not-saved`) };
      return refuse(ctx, signedIn, { status: 422, errors });
    }
    const areThese = form.offerContext === newRecoveryCodes.offerContextOf(account, session);
    const isDone = areThese && (await newRecoveryCodes.save(account, session));
    // Others were saved or shown since: whoever has written these down must know.
    flashMessages.leave(ctx, isDone ? 'codes-renewed' : 'codes-void');
    redirect(ctx, ACCOUNT);
  };

  const download: PageHandler = (ctx, signedIn) =>
    sendCodes(ctx, offered(signedIn), name, `${needs.product}, ${signedIn.account.email}`);

  return {
    path,
    section,
    page: ifEnrolled(page),
    submit: ifEnrolled(submit),
    download: ifEnrolled(download),
  };
}
