// Ways out of a sign-in: Cancel, Start again, Use a different account.
import type { SignInAudit } from '../../../signin/audit-events.ts';
import type { Store } from '../../../store/store.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import type { FormHandler } from './entry.ts';

interface Needs {
  readonly store: Store;
  readonly signInAudit: SignInAudit;
}

export function cancel({ store, signInAudit }: Needs): FormHandler {
  return async ({ flows }, ctx, interaction) => {
    const { key, clientId } = interaction;
    const cancelled = signInAudit.cancelled(await flows.findRow(key), clientId);
    const refused = interaction.refused('access_denied', 'the person canceled the sign-in');
    const unit = [refused, flows.abandon(key), ...cancelled.unit];
    // A conflict means that it was answered already, and that answer counts.
    if (await store.tryCommit(unit)) await cancelled.done();
    redirect(ctx, interaction.returnTo);
  };
}

export function restart({ store }: Needs): FormHandler {
  return async ({ flows }, ctx, interaction) => {
    await flows.reopen(interaction);
    if (interaction.prompt !== 'login') await store.commit([interaction.asSignIn()]);
    redirect(ctx, signInPath(interaction));
  };
}
