// The account page itself: all sections in one, and what there is to say about the account.
import type { PasswordPolicy } from '../../../domain/passwords/policy.ts';
import { now, toIso } from '../../../lib/clock.ts';
import type { Account } from '../../../store/accounts.ts';
import type { Translate } from '../../../web/catalogue.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { PageHandler, SignedIn } from './require-sign-in.ts';
import type { Show } from './site.ts';

type Section = (ctx: Parameters<PageHandler>[0], signedIn: SignedIn) => object | Promise<object>;

interface Needs {
  /** By the names that the view has for them. */
  readonly sections: Readonly<Record<string, Section>>;
  readonly grace: (signedIn: SignedIn) => object;
  readonly passwords: PasswordPolicy;
  readonly show: Show;
  readonly flashMessages: FlashMessages;
  readonly signOut: string;
  readonly t: Translate;
}

export function createOverview(needs: Needs): PageHandler {
  return async (ctx, signedIn) => {
    const named = Object.entries(needs.sections).map(
      async ([name, section]) => [name, await section(ctx, signedIn)] as const,
    );
    const sections = Object.fromEntries(await Promise.all(named));
    const news = needs.flashMessages.take(ctx);
    needs.show(ctx, signedIn, 'account/index', {
      sections,
      actions: { signOut: needs.signOut },
      ...needs.grace(signedIn),
      ...announcement(signedIn.account, needs),
      ...(news ? { alert: { kind: news[0], text: needs.t(news[1]) } } : {}),
    });
  };
}

/** Tells whose password is not known to meet what comes, before it stands in their way. */
function announcement(account: Account, { passwords, t }: Needs) {
  const next = passwords.announced(now());
  if (!next || !passwords.isDue(account, next.enforcedFrom)) return {};
  const date = toIso(next.enforcedFrom).slice(0, 10);
  return { alert: { kind: 'warning', text: t('account.policy-announced', { date }) } };
}
