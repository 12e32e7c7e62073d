// Twenty at once, on two processes, at everything that works once.
import { codeFor } from '../../test/support/authenticator-app.ts';
import { createEnrolledPerson } from '../../test/support/enrolled-person.ts';
import { API, assertionOf, createMachine, present } from '../../test/support/machine.ts';
import { codeOf, PASSWORD, signInAt } from '../../test/support/relying-party.ts';
import { createWeb } from '../../test/support/web.ts';
import type { Bench, Experiment, Figures } from '../experiment.ts';
import { nameOf } from '../journal.ts';
import { createPerson } from '../people.ts';
import type { Site } from '../site.ts';
import { startChain } from '../traffic.ts';

const AT_ONCE = 20;

export const races: Experiment = {
  name: 'races',
  title: 'twenty uses at once of each thing that works once',
  stores: ['sqlite', 'postgres'],
  takes: '30 s',
  run: async (bench) => {
    const figures: Record<string, number> = {};
    const rounds = bench.rounds(3);
    // One after the other: the clock that the second one moves is that of this process.
    const resources = [{ identifier: API, scopes: ['read'] }];
    const plain = await bench.open({ config: { resources } });
    await runAll(bench, plain, rounds, PLAIN, figures);
    const withFactor = await bench.open({ config: { mfa: { required: true } } });
    await runAll(bench, withFactor, rounds, WITH_FACTOR, figures);
    return { rounds, ...named(figures) };
  },
};

async function runAll(
  bench: Bench,
  site: Site,
  rounds: number,
  all: Readonly<Record<string, Race>>,
  figures: Record<string, number>,
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, race] of Object.entries(all)) {
      const won = await race(bench, site);
      bench.say(`round ${round} of ${rounds}: ${name}, ${won} of ${AT_ONCE}`);
      figures[name] = Math.max(figures[name] ?? 0, won);
      if (won !== 1) bench.journal.breaks(`invariant 1: ${won} of ${AT_ONCE} won at ${name}`);
    }
  }
}

function named(figures: Record<string, number>): Figures {
  return Object.fromEntries(Object.entries(figures).map(([name, won]) => [`${name} won by`, won]));
}

type Race = (bench: Bench, site: Site) => Promise<number>;

const PLAIN: Readonly<Record<string, Race>> = {
  code: async ({ journal }, site) => {
    const person = await createPerson(site);
    const web = createWeb(site.url);
    const request = site.party.url();
    const code = codeOf(await signInAt(web, await web.get(request.url), person));
    const what = { act: 'code', subject: nameOf(code), once: true, account: person.id };
    return count((at) => journal.run(what, () => site.party.redeem(request, code, at)), site);
  },
  'refresh token': async (bench, site) => {
    const { person, token } = await startChain({ journal: bench.journal, site });
    const what = { act: 'refresh', subject: nameOf(token), once: true, account: person.id };
    const send = (at: string) => site.application.post('refresh', { refreshToken: token }, { at });
    return count((at) => bench.journal.run(what, () => send(at)), site);
  },
  assertion: async ({ journal }, site) => {
    const machine = await createMachine(site);
    const assertion = assertionOf(machine, site.url);
    const what = { act: 'assertion', subject: nameOf(assertion), once: true };
    const fields = { resource: API, scope: 'read' };
    return count((at) => journal.run(what, () => present(at, assertion, { fields })), site);
  },
  link: async ({ journal }, site) => {
    const person = await createPerson(site);
    const account = await site.core.accounts.get(person.email);
    const cause = { actor: 'cli:faults', reason: 'an experiment' };
    const { link = '' } = await site.core.operations.resetPassword(account, cause);
    const what = { act: 'link', subject: nameOf(link), once: true, account: person.id };
    return count(async (at) => {
      const web = createWeb(site.url, [], undefined, at);
      return journal.run(
        what,
        () => pressLink(web, link),
        ({ title }) => title,
      );
    }, site);
  },
};

const WITH_FACTOR: Readonly<Record<string, Race>> = {
  totp: async ({ journal }, site) => {
    const { id, email, secret } = await createEnrolledPerson(site, site.party);
    const totp_code = codeFor(secret);
    const what = { act: 'totp', subject: `${id} ${totp_code}`, once: true, account: id };
    return count((at) => journal.run(what, () => logIn(site, at, email, { totp_code })), site);
  },
  'backup code': async ({ journal }, site) => {
    const { id, email, backupCodes } = await createEnrolledPerson(site, site.party);
    const [backup_code = ''] = backupCodes;
    const what = { act: 'backup-code', subject: nameOf(backup_code), once: true, account: id };
    return count((at) => journal.run(what, () => logIn(site, at, email, { backup_code })), site);
  },
};

async function pressLink(web: ReturnType<typeof createWeb>, link: string) {
  const page = await web.get(link);
  if (!page.text.includes('method="post"'))
    return { status: 400, body: {}, title: 'refused' as const };
  const next = await web.submit(page, new URL(link).pathname);
  const isOpen = next.text.includes('name="new_password"');
  return {
    status: next.status,
    body: {},
    title: isOpen ? ('done' as const) : ('refused' as const),
  };
}

function logIn(site: Site, at: string, email: string, more: object) {
  return site.application.post('login', { email, password: PASSWORD, ...more }, { at });
}

async function count(
  send: (at: string) => Promise<{ outcome: string }>,
  site: Site,
): Promise<number> {
  const all = Array.from({ length: AT_ONCE }, (_, index) => send(site.at(index)));
  return (await Promise.all(all)).filter(({ outcome }) => outcome === 'done').length;
}
