// kill -9 inside a new password and a suspension: all of it, or nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { choose, useLink } from '../../test/support/reset-link.ts';
import { createWeb } from '../../test/support/web.ts';
import { launchCommand } from '../commands.ts';
import type { Bench, Experiment } from '../experiment.ts';
import { accountKey, createPerson, type Person, passwordKey, refresh, signIn } from '../people.ts';
import type { Site } from '../site.ts';
import { startChain } from '../traffic.ts';

interface Seen {
  all: number;
  nothing: number;
}

export const killAccountChanges: Experiment = {
  name: 'kill-account-changes',
  title: 'kill -9 inside a reset password (server) and a suspension (command): all or nothing',
  stores: ['sqlite', 'postgres'],
  takes: '60 s',
  run: async (bench) => {
    const site = await bench.open();
    const rounds = bench.rounds(12);
    const password = { all: 0, nothing: 0 };
    const suspension = { all: 0, nothing: 0 };
    for (let round = 1; round <= rounds; round += 1) {
      await killInPassword(bench, site, password);
      await killInSuspension(bench, site, suspension);
      if (round % 3 === 0) bench.say(`round ${round} of ${rounds}`);
    }
    return {
      rounds,
      'passwords written': password.all,
      'passwords not': password.nothing,
      suspended: suspension.all,
      'not suspended': suspension.nothing,
    };
  },
};

/** The new password works, its link is spent and the audit has it; or the form still works. */
async function killInPassword(bench: Bench, site: Site, seen: Seen): Promise<void> {
  const { journal, random } = bench;
  const person = await createPerson(site);
  const account = await site.core.accounts.get(person.email);
  const { link = '' } = await site.core.operations.resetPassword(account, {
    actor: 'cli:faults',
    reason: 'an experiment',
  });
  const web = createWeb(site.url, [], undefined, site.at(1));
  const form = await useLink(web, link);
  const wanted = `Movu8-Lipo4-Zelt${random.between(10, 99)}`;
  const attempt = (node: number) =>
    journal.run(
      {
        ...{ act: 'new-password', subject: person.email, account: person.id, node: site.at(node) },
        ...{ begins: [passwordKey(person, wanted)], audit: 'password.reset' },
        ends: [passwordKey(person, person.password)],
      },
      async () => {
        const page = await choose(web, form, wanted);
        const isDone = page.text.includes('Password updated');
        return { status: isDone ? 200 : Math.max(400, page.status), body: {} };
      },
    );
  const sent = attempt(1);
  await sleep(random.between(0, 250));
  await site.kill(1);
  await sent;
  await site.start(1);
  const events = await eventsOf(site, person, 'password.reset');
  if ((await signIn({ journal, site }, person, 0, { password: wanted })).token) {
    seen.all += 1;
    if (events !== 1) journal.breaks(`invariant 8: a new password with ${events} events`);
    return;
  }
  seen.nothing += 1;
  if (events !== 0) journal.breaks('invariant 4: the audit has a password that is not there');
  const { outcome } = await attempt(1);
  const again = await signIn({ journal, site }, person, 0, { password: wanted });
  if (outcome !== 'done' || !again.token) {
    journal.breaks(`all or nothing: after a kill the form of ${person.email} is ${outcome}`);
  }
}

async function killInSuspension(bench: Bench, site: Site, seen: Seen): Promise<void> {
  const { journal, random } = bench;
  const at = { journal, site };
  const { person, token } = await startChain(at);
  const command = launchCommand(
    ['account', 'suspend', person.email, '--reason', 'an experiment'],
    site.database,
  );
  // A command needs about a second until it writes.
  setTimeout(() => command.kill(), random.between(500, 3500));
  await journal
    .run(
      {
        ...{ act: 'suspend', subject: person.email, account: person.id },
        ...{ ends: [accountKey(person)] },
      },
      async () => {
        const code = await command.ended;
        return { status: code === 0 ? 200 : 0, body: {} };
      },
      ({ status }) => (status === 200 ? 'done' : 'unknown'),
    )
    .catch(() => undefined);
  const { status } = await site.core.accounts.get(person.email);
  const events = await eventsOf(site, person, 'account.suspended');
  const next = await refresh(at, person, token, 1);
  const isSuspended = status === 'suspended';
  seen[isSuspended ? 'all' : 'nothing'] += 1;
  const fits = events === (isSuspended ? 1 : 0) && (next.outcome === 'done') === !isSuspended;
  if (!fits) journal.breaks(`all or nothing: ${status}, ${events} events, refresh ${next.outcome}`);
}

async function eventsOf({ core }: Site, { id }: Person, kind: string): Promise<number> {
  const rows = await core.audit.newest({ accountId: id, kind: kind as 'password.reset' }, 100);
  return rows.length;
}
