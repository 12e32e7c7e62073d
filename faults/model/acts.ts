// What people do: sign in by pages and over JSON, refresh, replay, guess, sign out.
import { codeFor } from '../../test/support/authenticator-app.ts';
import { codeOf } from '../../test/support/relying-party.ts';
import { createWeb, titleOf } from '../../test/support/web.ts';
import { nameOf } from '../journal.ts';
import { accountKey, passwordKey, refresh, signIn } from '../people.ts';
import { anyNode, type Citizen, type Family, freshStep, note, type World } from './world.ts';

export type Act = (world: World, citizen: Citizen) => Promise<void>;

const MANY = 6;

function newest({ passwords }: Citizen): string {
  return passwords.at(-1) ?? '';
}

const signInOverJson: Act = async (world, citizen) => {
  const more = await codeIfAsked(world, citizen);
  const { token } = await signIn(world.at, citizen, anyNode(world), {
    password: newest(citizen),
    more,
  });
  if (token) keep(citizen, { token, spent: [], name: token });
};

async function codeIfAsked(world: World, citizen: Citizen): Promise<object> {
  if (!citizen.secret) return {};
  await freshStep(world, citizen);
  return { totp_code: codeFor(citizen.secret) };
}

function keep(citizen: Citizen, family: Family): void {
  citizen.families = [...citizen.families, family].slice(-MANY);
}

/** Half of it at one node, half at the other. */
const signInByPages: Act = async (world, citizen) => {
  const { site, bench } = world;
  if (!citizen.secret) return signInOverJson(world, citizen);
  await freshStep(world, citizen);
  const { secret } = citizen;
  const request = site.party.url();
  const found: { code?: string } = {};
  await bench.journal.run(
    {
      ...{ act: 'pages', subject: citizen.email, account: citizen.id },
      needs: [accountKey(citizen), passwordKey(citizen, newest(citizen))],
    },
    async () => {
      const through = () => site.at(anyNode(world));
      let web = createWeb(site.url, [], undefined, through());
      let page = await web.get(request.url);
      web = createWeb(site.url, web.cookies(), undefined, through());
      const { email } = citizen;
      page = await web.submit(page, '/prove/password', { email, password: newest(citizen) });
      if (titleOf(page) !== 'Two-factor authentication')
        return { status: page.status < 500 ? 401 : page.status, body: {}, headers: page.headers };
      page = await web.submit(page, '/prove/totp', { code: codeFor(secret) });
      if (page.text.includes('value="allow"')) {
        page = await web.submit(page, '/consent', { decision: 'allow' });
      }
      const code = page.url.searchParams.get('code');
      if (!code)
        return { status: page.status < 400 ? 401 : page.status, body: {}, headers: page.headers };
      found.code = codeOf(page);
      return { status: 200, body: {} };
    },
  );
  if (found.code) await redeemTwice(world, citizen, request, found.code);
};

async function redeemTwice(
  { site, bench }: World,
  citizen: Citizen,
  request: ReturnType<World['site']['party']['url']>,
  code: string,
): Promise<void> {
  const needs = [accountKey(citizen)];
  const what = { act: 'code', subject: nameOf(code), once: true, account: citizen.id, needs };
  const both = bench.random.chance(0.3) ? [0, 1] : [bench.random.below(2)];
  const answers = await Promise.all(
    both.map((node) =>
      bench.journal.run(what, () => site.party.redeem(request, code, site.at(node))),
    ),
  );
  const token = answers.find(({ outcome }) => outcome === 'done')?.answer?.body.access_token;
  if (typeof token !== 'string') return;
  await bench.journal.run({ act: 'userinfo', subject: nameOf(token), needs }, () =>
    site.party.userinfo(token),
  );
}

const refreshOne: Act = async (world, citizen) => {
  const family = world.bench.random.pick(citizen.families);
  if (!family) return signInOverJson(world, citizen);
  const { token: old, name } = family;
  const both = world.bench.random.chance(0.2) ? [0, 1] : [anyNode(world)];
  const answers = await Promise.all(
    both.map((node) => refresh(world.at, citizen, old, node, name)),
  );
  const next = answers.find(({ token }) => token)?.token;
  if (next) {
    family.spent.push(old);
    family.token = next;
  } else if (answers.some(({ outcome }) => outcome === 'refused')) forget(citizen, family);
};

function forget(citizen: Citizen, family: Family): void {
  citizen.families = citizen.families.filter((each) => each !== family);
}

/** Of a thief: never works, and may end the family. */
const replay: Act = async (world, citizen) => {
  const family = world.bench.random.pick(citizen.families);
  const old = family?.spent.at(-1);
  if (!family || !old) return refreshOne(world, citizen);
  const { outcome } = await refresh(world.at, citizen, old, anyNode(world), family.name);
  if (outcome === 'done') world.bench.journal.breaks(`invariant 2: ${nameOf(old)} was replayed`);
};

const formerPassword: Act = async (world, citizen) => {
  const password = citizen.former.at(-1);
  if (!password) return wrongPassword(world, citizen);
  await signIn(world.at, citizen, anyNode(world), { password });
};

const wrongPassword: Act = async (world, citizen) => {
  const node = anyNode(world);
  const subject = citizen.email;
  const { outcome } = await world.bench.journal.run({ act: 'guess', subject }, () =>
    world.site.application.post(
      'login',
      { email: citizen.email, password: 'Wrong-Guess-1234567' },
      { at: world.site.at(node), headers: { 'x-forwarded-for': '10.66.6.6' } },
    ),
  );
  if (outcome === 'done') world.bench.journal.breaks('invariant 3: a wrong password was right');
};

const signOut: Act = async (world, citizen) => {
  const { bench, site } = world;
  const family = bench.random.pick(citizen.families);
  if (!family) return signInOverJson(world, citizen);
  forget(citizen, family);
  const at = site.at(anyNode(world));
  await bench.journal.run(
    {
      act: 'sign-out',
      subject: nameOf(family.token),
      ends: [`family:${nameOf(family.name)}`],
      node: at,
    },
    () => site.application.post('logout', { refreshToken: family.token }, { at }),
    // A token that is over ends nothing.
    ({ status }) => (status === 204 ? 'done' : status >= 500 ? 'unknown' : 'refused'),
  );
  await refresh(world.at, citizen, family.token, anyNode(world), family.name);
};

const ACTS: ReadonlyArray<readonly [name: string, weight: number, act: Act]> = [
  ['sign-in over JSON', 5, signInOverJson],
  ['sign-in by pages', 3, signInByPages],
  ['refresh', 12, refreshOne],
  ['replay', 1, replay],
  ['former password', 1, formerPassword],
  ['wrong password', 1, wrongPassword],
  ['sign-out', 2, signOut],
];

export async function actOnce(world: World, citizen: Citizen): Promise<void> {
  const { random } = world.bench;
  let left = random.below(ACTS.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [name, weight, act] of ACTS) {
    left -= weight;
    if (left >= 0) continue;
    note(world, name);
    return act(world, citizen);
  }
}
