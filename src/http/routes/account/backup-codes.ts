// New backup codes: shown until they are saved, and from then on in the place of the old ones.
import type { Context } from 'koa';
import { type BackupCodesDomain, MADE_AT_ONCE } from '../../../domain/backup-codes.ts';
import type { NewBackupCodes } from '../../../signin/new-backup-codes.ts';
import { redirect } from '../../redirect.ts';
import type { Translate } from '../../texts.ts';
import { sendCodes } from '../backup-codes.ts';
import type { FormHandler, PageHandler, Present } from './entrance.ts';
import { ACCOUNT, type Refuse, type Show } from './site.ts';
import type { Told } from './told.ts';

export interface BackupCodePagesNeeds {
  readonly backupCodes: BackupCodesDomain;
  readonly newBackupCodes: NewBackupCodes;
  readonly product: string;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly told: Told;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/backup-codes`;

export function createBackupCodePages(needs: BackupCodePagesNeeds) {
  const { backupCodes, newBackupCodes, show, refuse, told, t } = needs;

  const section = async ({ account }: Present) => {
    if (account.mfaEnrolledAt === undefined) return { left: 0, of: 0 };
    return { left: (await backupCodes.left(account.id)) ?? 0, of: MADE_AT_ONCE, href: PATH };
  };

  const page: PageHandler = (ctx, present) =>
    show(ctx, present, 'account/backup-codes', {
      alert: { kind: 'info', text: t('account.backup-codes.replace') },
      codes: offered(present),
      // Whoever continues says which ones they have saved.
      hidden: { occasion: newBackupCodes.occasionOf(present.account, present.session) },
      actions: { submit: PATH, download: `${PATH}.txt` },
    });

  const offered = ({ account, session }: Present) => newBackupCodes.offer(account, session);

  /** Codes are for those who have a second factor. */
  const ifEnrolled =
    <Rest extends unknown[]>(handle: (ctx: Context, present: Present, ...rest: Rest) => unknown) =>
    async (ctx: Context, present: Present, ...rest: Rest): Promise<void> => {
      if (present.account.mfaEnrolledAt === undefined) return redirect(ctx, ACCOUNT);
      await handle(ctx, present, ...rest);
    };

  const submit: FormHandler = async (ctx, present, form) => {
    const { account, session } = present;
    if (form.saved !== 'yes') {
      const errors = { saved: t('save-backup-codes.not-saved') };
      return refuse(ctx, present, { status: 422, errors });
    }
    const areThese = form.occasion === newBackupCodes.occasionOf(account, session);
    const isDone = areThese && (await newBackupCodes.save(account, session));
    // Others were saved or shown since: whoever has written these down must know.
    told.tell(ctx, isDone ? 'backup-codes-renewed' : 'backup-codes-void');
    redirect(ctx, ACCOUNT);
  };

  const download: PageHandler = (ctx, present) =>
    sendCodes(ctx, offered(present), `${needs.product}, ${present.account.email}`);

  return {
    section,
    page: ifEnrolled(page),
    submit: ifEnrolled(submit),
    download: ifEnrolled(download),
  };
}
