// Applications that only some people may use.
import { expect } from 'chai';
import { createApplication } from '../support/application.ts';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, titleOf, type Web } from '../support/web.ts';

const ROLE = 'payroll';

onOneStore('an application that requires a role', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse, { metadata: { require_role: ROLE } });
  });
  beforeEach(async () => {
    web = createWeb(gatehouse.url);
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const setRoles = async (roles: readonly string[]) => {
    const { core } = gatehouse;
    const account = await core.accounts.get(person.id);
    const change = roles.length === 0 ? { unset: ['roles'] } : { attributes: { roles } };
    await core.updateProfile(account, change, { actor: 'cli:test' });
  };
  const ask = async (parameters: Record<string, string> = {}) => web.get(party.url(parameters).url);
  const errorOf = (url: URL) => [
    url.searchParams.get('error'),
    url.searchParams.get('error_description'),
  ];

  it('says so, asks for no consent, and leads back with access_denied', async () => {
    const page = await signInAt(web, await ask(), person);
    expect([page.status, titleOf(page)]).to.deep.equal([403, "You don't have access to Test App"]);
    const back = await web.submit(page, '/no-access');
    expect(errorOf(back.url)).to.deep.equal([
      'access_denied',
      'the person lacks the required role',
    ]);
    const rows = await auditRows(gatehouse, { accountId: person.id });
    expect(rows.at(-1)).to.include({
      kind: 'sign_in.finished',
      outcome: 'refused',
      reason: 'required role missing',
      clientId: party.id,
    });
  });

  it('lets somebody else sign in from that page', async () => {
    const page = await signInAt(web, await ask(), person);
    person = await createPerson(gatehouse);
    await setRoles([ROLE]);
    codeOf(await signInAt(web, await web.submit(page, '/switch'), person));
  });

  it('admits whoever has it, among others', async () => {
    await setRoles(['reader', ROLE]);
    const { tokens } = await signIn(gatehouse, party, person);
    expect(tokens.access_token).to.be.a('string');
  });

  it('takes no other role, in no other spelling, and no role by another way', async () => {
    for (const roles of [['Payroll'], ['payroll '], ['payrolls', 'pay,roll']]) {
      await setRoles(roles);
      web = createWeb(gatehouse.url);
      expect(titleOf(await signInAt(web, await ask(), person))).to.include("don't have access");
    }
  });

  it('answers prompt=none with access_denied', async () => {
    await signInAt(web, await ask(), person);
    const { url } = await ask({ prompt: 'none' });
    expect(errorOf(url)[0]).to.equal('access_denied');
  });

  it('ends refreshing as soon as the role is gone', async () => {
    await setRoles([ROLE]);
    const { tokens } = await signIn(gatehouse, party, person);
    const token = tokens.refresh_token ?? '';
    expect((await party.refresh(token)).status).to.equal(200);
    await setRoles([]);
    expect((await party.refresh(token)).body.error).to.equal('invalid_grant');
  });

  it('refuses over JSON, after the right password', async () => {
    const app = await createApplication(gatehouse, { require_role: ROLE });
    const { email, password } = person;
    const wrong = await app.post('login', { email, password: 'no' });
    expect(wrong.body.error).to.equal('invalid_credentials');
    const refused = await app.post('login', { email, password });
    expect([refused.status, refused.body.error]).to.deep.equal([403, 'access_denied']);
    await setRoles([ROLE]);
    expect((await app.post('login', { email, password })).status).to.equal(200);
  });
});
