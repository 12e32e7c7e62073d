// What operators do, by commands: suspend and open accounts, give links for new passwords.
import { runCommand } from '../../test/support/processes.ts';
import { choose, useLink } from '../../test/support/reset-link.ts';
import { createWeb } from '../../test/support/web.ts';
import { nameOf, type Outcome } from '../journal.ts';
import { accountKey, passwordKey } from '../people.ts';
import { anyNode, type Citizen, note, type World } from './world.ts';

const CAUSE = { actor: 'cli:faults', reason: 'an experiment' };

function familyKeys({ families }: Citizen): string[] {
  return families.map(({ name }) => `family:${nameOf(name)}`);
}

export async function suspend(world: World, citizen: Citizen): Promise<void> {
  const { site, bench } = world;
  const ends = [accountKey(citizen), ...familyKeys(citizen)];
  const args = ['account', 'suspend', citizen.email, '--reason', 'an experiment'];
  const byCommand = bench.random.chance(0.3);
  citizen.isSuspended = undefined;
  const { outcome } = await bench.journal.run(
    { act: 'suspend', subject: citizen.email, account: citizen.id, ends },
    async () => {
      if (byCommand) return exitOf(await runCommand(args, { database: site.database }));
      await site.core.operations.suspend(await site.core.accounts.get(citizen.email), CAUSE);
      return { status: 200, body: {} };
    },
    failed,
  );
  if (outcome === 'done') citizen.isSuspended = true;
}

export async function activate(world: World, citizen: Citizen): Promise<void> {
  const { site, bench } = world;
  const begins = [accountKey(citizen)];
  const { outcome } = await bench.journal.run(
    { act: 'activate', subject: citizen.email, account: citizen.id, begins },
    async () => {
      const account = await site.core.accounts.get(citizen.email);
      // A suspension whose answer was lost may not have happened.
      if (account.status !== 'active') await site.core.operations.activate(account, CAUSE);
      return { status: 200, body: {} };
    },
    failed,
  );
  if (outcome === 'done') citizen.isSuspended = false;
}

function exitOf({ code }: { code: number }) {
  return { status: code === 0 ? 200 : 0, body: {} };
}

/** Where a command failed, nobody knows how far it came. */
function failed({ status }: { status: number }): Outcome {
  return status === 200 ? 'done' : 'unknown';
}

/** A link, and with it a new password; whatever is lost on the way, the next one mends. */
export async function newPassword(world: World, citizen: Citizen): Promise<void> {
  const { site, bench } = world;
  const found: { link?: string } = {};
  const olds = [...citizen.passwords];
  const { outcome } = await bench.journal.run(
    {
      ...{ act: 'reset-password', subject: citizen.email, account: citizen.id },
      ends: [...olds.map((old) => passwordKey(citizen, old)), ...familyKeys(citizen)],
    },
    async () => {
      const account = await site.core.accounts.get(citizen.email);
      const { link } = await site.core.operations.resetPassword(account, CAUSE);
      if (link) found.link = link;
      return { status: 200, body: {} };
    },
  );
  if (outcome !== 'done' || !found.link) return;
  citizen.former.push(...olds);
  citizen.passwords = [];
  await choosePassword(world, citizen, found.link);
}

async function choosePassword(world: World, citizen: Citizen, link: string): Promise<void> {
  const { site, bench } = world;
  const wanted = `Movu8-Lipo${bench.random.between(1000, 9999)}-Zelt${citizen.former.length}`;
  citizen.passwords = [wanted];
  const node = site.at(anyNode(world));
  await bench.journal.run(
    {
      ...{ act: 'new-password', subject: citizen.email, account: citizen.id, node },
      ...{ begins: [passwordKey(citizen, wanted)], audit: 'password.reset' },
    },
    async () => {
      const web = createWeb(site.url, [], undefined, node);
      const page = await choose(web, await useLink(web, link), wanted);
      const isDone = page.text.includes('Password updated');
      const status = isDone ? 200 : page.status < 500 ? 400 : page.status;
      return { status, body: {}, headers: page.headers };
    },
  );
}

export async function operate(world: World): Promise<void> {
  const { random } = world.bench;
  const citizen = random.pick(world.citizens);
  if (citizen.isSuspended !== false) {
    note(world, 'activate');
    return activate(world, citizen);
  }
  const isSuspension = random.chance(0.5);
  note(world, isSuspension ? 'suspend' : 'new password');
  return isSuspension ? suspend(world, citizen) : newPassword(world, citizen);
}
