// New backup codes: shown until they are saved, and from then on in the place of the old ones.
import type { Context } from 'koa';
import { type BackupCodes, MADE_AT_ONCE } from '../../../factors/index.ts';
import type { NewBackupCodes } from '../../../signin/new-backup-codes.ts';
import { sendCodes } from '../../../signin/steps/backup-codes/page.ts';
import type { Translate } from '../../../web/catalogue.ts';
import { redirect } from '../../../web/redirect.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { FormHandler, PageHandler, SignedIn } from './require-sign-in.ts';
import { ACCOUNT, type Refuse, type Show } from './site.ts';

export interface BackupCodePagesNeeds {
  readonly backupCodes: BackupCodes;
  readonly newBackupCodes: NewBackupCodes;
  readonly product: string;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/backup-codes`;

export function createBackupCodePages(needs: BackupCodePagesNeeds) {
  const { backupCodes, newBackupCodes, show, refuse, flashMessages, t } = needs;

  const section = async ({ account }: SignedIn) => {
    if (account.mfaEnrolledAt === undefined) return { left: 0, of: 0 };
    return { left: (await backupCodes.left(account.id)) ?? 0, of: MADE_AT_ONCE, href: PATH };
  };

  const page: PageHandler = (ctx, signedIn) =>
    show(ctx, signedIn, 'account/backup-codes', {
      alert: { kind: 'info', text: t('account.backup-codes.replace') },
      codes: offered(signedIn),
      // Whoever continues says which ones they have saved.
      hidden: { offerContext: newBackupCodes.offerContextOf(signedIn.account, signedIn.session) },
      actions: { submit: PATH, download: `${PATH}.txt` },
    });

  const offered = ({ account, session }: SignedIn) => newBackupCodes.offer(account, session);

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
      const errors = { saved: t('save-backup-codes.not-saved') };
      return refuse(ctx, signedIn, { status: 422, errors });
    }
    const areThese = form.offerContext === newBackupCodes.offerContextOf(account, session);
    const isDone = areThese && (await newBackupCodes.save(account, session));
    // Others were saved or shown since: whoever has written these down must know.
    flashMessages.leave(ctx, isDone ? 'backup-codes-renewed' : 'backup-codes-void');
    redirect(ctx, ACCOUNT);
  };

  const download: PageHandler = (ctx, signedIn) =>
    sendCodes(ctx, offered(signedIn), `${needs.product}, ${signedIn.account.email}`);

  return {
    section,
    page: ifEnrolled(page),
    submit: ifEnrolled(submit),
    download: ifEnrolled(download),
  };
}
