// An address whose domain has letters of its own, as people type it and as browsers send it.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { mailsTo } from '../support/mailbox.ts';
import {
  codeOf,
  createRelyingParty,
  PASSWORD,
  type RelyingParty,
  signInAt,
} from '../support/relying-party.ts';
import { createWeb } from '../support/web.ts';

const TYPED = 'Ada@München.example';
/** What Chromium makes of it in a field of the type `email`. */
const SENT = 'Ada@xn--mnchen-3ya.example';

describe('an address with an international domain', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let id: string;

  before(async () => {
    gatehouse = await startGatehouse();
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    ({ id } = await gatehouse.core.accounts.create({ email: TYPED, password: PASSWORD }));
  });
  after(() => gatehouse.stop());

  it('signs in in either spelling, and is shown as it was typed', async () => {
    for (const email of [SENT, TYPED, SENT.toUpperCase()]) {
      const web = createWeb(gatehouse.url);
      const page = await web.get(party.url().url);
      codeOf(await signInAt(web, page, { id, email, password: PASSWORD }));
    }
    expect((await gatehouse.core.accounts.get(SENT)).email).to.equal(TYPED);
  });

  it('belongs to one account', async () => {
    const error = await gatehouse.core.accounts.create({ email: SENT }).catch((each) => each);
    expect(error).to.include({ code: 'already_exists' });
  });

  it('has one count of failures, and one mailbox', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    for (const [email, left] of [
      [SENT, 4],
      [TYPED, 3],
    ] as const) {
      const wrong = await web.submit(page, '/prove/password', { email, password: 'wrong' });
      expect(wrong.text).to.include(`${left} attempts left`);
    }
    const form = await web.get(`${gatehouse.url}/forgot-password`);
    await web.submit(form, '/forgot-password', { email: SENT.toLowerCase() });
    const all = await mailsTo(gatehouse, SENT);
    expect(all.map(({ subject }) => subject)).to.include('Choose a new Gatehouse password');
  });
});
