// What a sign-in tells the owner of an account by mail, and how often.
import { expect } from 'chai';
import { codeFor } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson, enrolOn } from '../support/enrolled-person.ts';
import { advanceClock, type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress, guess, guessWrong } from '../support/guesses.ts';
import { mailsTo } from '../support/mailbox.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { createWeakPerson, NEW_PASSWORD } from '../support/weak-person.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const KNOWN = 'Someone knows your Gatehouse password';
const PAUSED = 'Sign-in to your Gatehouse account is paused';

onOneStoreExcept(/once, from/, 'mails about a sign-in', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: { ...BEHIND_PROXY, ...WITH_FACTOR } });
    party = await createRelyingParty(gatehouse);
  });
  afterEach(() => advanceClock(gatehouse.url, undefined));
  after(() => gatehouse.stop());

  const subjectsTo = async ({ email }: { email: string }) =>
    (await mailsTo(gatehouse, email)).map(({ subject }) => subject);
  const lettersWaiting = async () => {
    const { store: database } = gatehouse.core;
    const rows = await database.all(database.compile(database.sql('outbox')));
    return rows.length;
  };

  it('a first authenticator, and no second mail for the codes that come with it', async () => {
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    await enrolOn(web, await afterPassword(web, party, person));
    expect(await subjectsTo(person)).to.deep.equal([
      'A new authenticator for your Gatehouse account',
    ]);
  });

  it('a password that gave way', async () => {
    const person = await createWeakPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    const page = await afterPassword(web, party, person);
    const form = { new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };
    const next = await web.submit(page, '/new-password', form);
    expect(await subjectsTo(person), 'nothing is changed yet').to.deep.equal([]);
    const enrolled = await enrolOn(web, next);
    codeOf(await allowIfAsked(web, enrolled.page));
    expect(await subjectsTo(person)).to.include('Your Gatehouse password was changed');
  });

  it('a remembered device, in words of ours', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const web = createWeb(gatehouse.url);
    const page = await afterPassword(web, party, person);
    const code = codeFor(person.secret);
    await web.submit(page, '/prove/totp', { code, remember: 'yes' });
    const mails = await mailsTo(gatehouse, person.email);
    const mail = mails.find(({ subject }) => subject.startsWith('New trusted device'));
    expect(mail?.text).to.include('Browser: An unknown browser');
  });

  it('a device that is not remembered is not told of', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const web = createWeb(gatehouse.url);
    const page = await afterPassword(web, party, person);
    await web.submit(page, '/prove/totp', { code: codeFor(person.secret) });
    const subjects = await subjectsTo(person);
    expect(subjects).not.to.include('New trusted device for your Gatehouse account');
  });

  it('a backup code, how many are left, and new ones', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const useCode = async (index: number): Promise<[Web, Page]> => {
      const web = createWeb(gatehouse.url);
      const page = await afterPassword(web, party, person);
      const form = await web.get(new URL('?method=backup-codes', page.url));
      const code = person.backupCodes[index] ?? '';
      return [web, await web.submit(form, '/prove/backup-codes', { code })];
    };
    for (let index = 0; index < 7; index += 1) await useCode(index);
    const [web, offer] = await useCode(7);
    expect(titleOf(offer)).to.equal('Few backup codes left');
    const saving = await web.submit(offer, '/backup-codes', { decision: 'renew' });
    await web.submit(saving, '/backup-codes', { saved: 'yes' });
    const mails = (await mailsTo(gatehouse, person.email)).filter(({ subject }) =>
      subject.toLowerCase().includes('backup code'),
    );
    const left = mails.map(({ text }) => /^Backup codes left: (\d)$/m.exec(text)?.[1]);
    expect(left).to.have.members(['9', '8', '7', '6', '5', '4', '3', '2', undefined]);
    const subjects = mails.map(({ subject }) => subject);
    expect(subjects).to.include('New backup codes for your Gatehouse account');
  });

  it('codes of an account that somebody has the password of: once', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const guessCodes = async (times: number) => {
      const from = { address: freshAddress(), web: createWeb(gatehouse.url) };
      const page = await guess(party, person.email, person.password, from);
      for (let time = 0; time < times; time += 1) {
        await from.web.submit(page, '/prove/totp', { code: `00000${time % 10}` });
      }
    };
    await guessCodes(9);
    expect(await subjectsTo(person)).not.to.include(KNOWN);
    await guessCodes(3);
    await gatehouse.advance('16m');
    await guessCodes(12);
    expect((await subjectsTo(person)).filter((each) => each === KNOWN)).to.have.length(1);
    await gatehouse.advance('25h');
    await guessCodes(12);
    expect((await subjectsTo(person)).filter((each) => each === KNOWN)).to.have.length(2);
  });

  describe('of a lockout', () => {
    const lockOut = async (email: string) => {
      const from = { address: freshAddress() };
      await guessWrong(party, email, 5, from);
      await gatehouse.advance('15m');
      await guessWrong(party, email, 5, from);
    };

    it('comes with the tenth failure, once, from wherever they come', async () => {
      const person = await createPerson(gatehouse);
      const from = { address: freshAddress() };
      await guessWrong(party, person.email, 5, from);
      await gatehouse.advance('15m');
      await guessWrong(party, person.email, 4, from);
      expect(await subjectsTo(person)).to.deep.equal([]);
      // Side by side: each of them reads that none is left.
      await Promise.all(Array.from({ length: 6 }, () => guess(party, person.email, 'wrong', from)));
      await lockOut(person.email);
      expect(await subjectsTo(person)).to.deep.equal([PAUSED]);
      const [mail] = await mailsTo(gatehouse, person.email);
      expect(mail?.text).to.match(/until \d+ \w+ \d{4} at \d\d:\d\d UTC/);
    });

    it('goes to the account in whatever spelling the name was guessed', async () => {
      const person = await createPerson(gatehouse);
      await lockOut(person.email.toUpperCase());
      expect(await subjectsTo(person)).to.deep.equal([PAUSED]);
    });

    it('goes to nobody where nobody has the name, and as much is written', async () => {
      const person = await createPerson(gatehouse);
      const before = await lettersWaiting();
      await lockOut('nobody-at-all@example.com');
      const between = await lettersWaiting();
      await lockOut(person.email);
      expect(between - before).to.equal(1);
      expect((await lettersWaiting()) - between).to.equal(1);
      expect(await mailsTo(gatehouse, 'nobody-at-all@example.com')).to.deep.equal([]);
      await lockOut(person.id);
      expect(await subjectsTo(person), 'an id is no name').to.deep.equal([PAUSED]);
    });
  });
});
