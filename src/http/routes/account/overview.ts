// The account page itself: all sections in one, and what there is to say about the account.
import type { PasswordPolicy } from '../../../domain/passwords/policy.ts';
import { now, toIso } from '../../../lib/clock.ts';
import type { Account } from '../../../store/accounts.ts';
import type { Translate } from '../../texts.ts';
import type { PageHandler, Present } from './entrance.ts';
import type { Show } from './site.ts';
import type { Told } from './told.ts';

type Section = (ctx: Parameters<PageHandler>[0], present: Present) => object | Promise<object>;

interface Needs {
  /** By the names that the view has for them. */
  readonly sections: Readonly<Record<string, Section>>;
  readonly grace: (present: Present) => object;
  readonly passwords: PasswordPolicy;
  readonly show: Show;
  readonly told: Told;
  readonly signOut: string;
  readonly t: Translate;
}

export function createOverview(needs: Needs): PageHandler {
  return async (ctx, present) => {
    const named = Object.entries(needs.sections).map(
      async ([name, section]) => [name, await section(ctx, present)] as const,
    );
    const sections = Object.fromEntries(await Promise.all(named));
    const news = needs.told.take(ctx);
    needs.show(ctx, present, 'account/index', {
      sections,
      actions: { signOut: needs.signOut },
      ...needs.grace(present),
      ...announcement(present.account, needs),
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
