// Consents add up: what was allowed once stays allowed, also when two clicks come at once.
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Consents,
  createConsents,
  type Granted,
  NOTHING,
  union,
} from '../../../src/domain/consents/consents.ts';
import { createConsentTable } from '../../../src/store/consents.ts';
import { type Gatehouse, startGatehouse } from '../../support/gatehouse.ts';
import {
  allowIfAsked,
  createPerson,
  createRelyingParty,
  signIn,
} from '../../support/relying-party.ts';
import { onBothStores } from '../../support/stores.ts';
import { createWeb, titleOf } from '../../support/web.ts';

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'));
const granted: fc.Arbitrary<Granted> = fc.record({
  scopes: names,
  claims: names,
  resources: fc.dictionary(fc.constantFrom('https://a/', 'https://b/', 'https://c/'), names),
});

/** As sets, so that the order of words says nothing. */
function canonical({ scopes, claims, resources }: Granted) {
  const sorted = Object.entries(resources).map(([name, list]) => [name, [...list].sort()] as const);
  return {
    scopes: [...scopes].sort(),
    claims: [...claims].sort(),
    resources: Object.fromEntries(sorted.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

const same = (a: Granted, b: Granted) => expect(canonical(a)).to.deep.equal(canonical(b));

describe('union of consents', () => {
  it('holds both sides and nothing else', () => {
    fc.assert(
      fc.property(granted, granted, (a, b) => {
        const both = union(a, b);
        expect(both.scopes).to.have.members([...new Set([...a.scopes, ...b.scopes])]);
        expect(both.claims).to.have.members([...new Set([...a.claims, ...b.claims])]);
        const identifiers = [...Object.keys(a.resources), ...Object.keys(b.resources)];
        expect(Object.keys(both.resources)).to.have.members([...new Set(identifiers)]);
        for (const name of identifiers) {
          const own = (from: Granted) => from.resources[name] ?? [];
          expect(both.resources[name]).to.have.members([...new Set([...own(a), ...own(b)])]);
        }
      }),
    );
  });

  it('does not depend on order or repetition', () => {
    fc.assert(
      fc.property(granted, granted, granted, (a, b, c) => {
        same(union(a, b), union(b, a));
        same(union(a, union(b, c)), union(union(a, b), c));
        same(union(a, a), a);
        same(union(a, NOTHING), a);
      }),
    );
  });
});

onBothStores('consents', (store) => {
  let gatehouse: Gatehouse;
  let consents: Consents;
  let account: string;
  before(async () => {
    gatehouse = await startGatehouse({ store });
    const { core } = gatehouse;
    consents = createConsents(core.store, createConsentTable(core.store), core.audit);
  });
  beforeEach(async () => {
    account = (await createPerson(gatehouse)).id;
  });
  after(() => gatehouse.stop());

  const grant = (scope: string): Granted => ({
    scopes: [scope],
    claims: [],
    resources: { 'https://api.example.com/': [scope] },
  });

  for (const [says, before] of [
    ['the first ones', []],
    ['more of them', ['email']],
  ] as const) {
    it(`lose nothing when ten come at once as ${says}`, async () => {
      for (const scope of before) await consents.add(account, 'app', grant(scope));
      const scopes = Array.from({ length: 10 }, (_, index) => `scope-${index}`);
      await Promise.all(scopes.map((scope) => consents.add(account, 'app', grant(scope))));
      const found = await consents.find(account, 'app');
      const all = [...before, ...scopes];
      expect(found?.scopes).to.have.members(all);
      expect(found?.resources['https://api.example.com/']).to.have.members(all);
    });
  }

  it('are of one person and one client', async () => {
    const other = (await createPerson(gatehouse)).id;
    await consents.add(account, 'app', grant('email'));
    expect(await consents.find(account, 'another')).to.equal(undefined);
    expect(await consents.find(other, 'app')).to.equal(undefined);
  });

  it('are asked for what is new, and for nothing twice', async () => {
    const party = await createRelyingParty(gatehouse);
    const person = await createPerson(gatehouse);
    const parameters = { scope: 'openid email' };
    const { web } = await signIn(gatehouse, party, person, { parameters });
    const again = await web.get(party.url({ scope: 'openid' }).url);
    expect(again.url.searchParams.get('code'), 'less is asked: no page').to.be.a('string');
    const more = await web.get(party.url({ scope: 'openid profile' }).url);
    expect(titleOf(more)).to.equal('Allow access');
    await allowIfAsked(web, more);
    // In another browser, where nothing but the consents themselves is remembered:
    const other = createWeb(gatehouse.url);
    const page = await other.get(party.url({ scope: 'openid email profile' }).url);
    const { email, password } = person;
    const last = await other.submit(page, '/prove/password', { email, password });
    expect(last.url.searchParams.get('code'), 'both are allowed now').to.be.a('string');
  });

  it('given in two tabs at once are both kept', async () => {
    const party = await createRelyingParty(gatehouse);
    const person = await createPerson(gatehouse);
    const { web } = await signIn(gatehouse, party, person, { parameters: { scope: 'openid' } });
    const pages = [
      await web.get(party.url({ scope: 'openid email' }).url),
      await web.get(party.url({ scope: 'openid profile' }).url),
    ];
    for (const page of pages) expect(titleOf(page)).to.equal('Allow access');
    const done = await Promise.all(pages.map((page) => allowIfAsked(web, page)));
    for (const page of done) {
      const says = `${page.status} at ${page.url}: ${titleOf(page)}`;
      expect(page.url.searchParams.get('code'), says).to.be.a('string');
    }
    const all = await web.get(party.url({ scope: 'openid email profile' }).url);
    expect(all.url.searchParams.get('code')).to.be.a('string');
  });
});
