// Asking for reset links to find out which addresses have accounts.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { mailsTo, outboxFiles } from '../support/mailbox.ts';
import { createPerson } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, type Page } from '../support/web.ts';

onOneStore('reset links tell nobody who has an account', (store) => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  const setStatus = async (id: string, status: string) => {
    const { store: database } = gatehouse.core;
    const row = database.sql('accounts').where({ id });
    await database.write(database.compile(row.update({ status }), 1));
  };

  it('known, unknown, suspended, locked: the same answer, header for header, each time', async () => {
    const [known, suspended, locked] = [
      await createPerson(gatehouse),
      await createPerson(gatehouse),
      await createPerson(gatehouse),
    ];
    await setStatus(suspended.id, 'suspended');
    await setStatus(locked.id, 'locked');
    const { email: withoutPassword } = await gatehouse.core.accounts.create({
      email: 'person-without-password@example.com',
    });
    const unknown = known.email.replace('person', 'nobody');
    const emails = [known.email, unknown, suspended.email, locked.email, withoutPassword];
    for (let time = 1; time <= 5; time += 1) {
      const answers = [];
      for (const email of emails) {
        const web = createWeb(gatehouse.url);
        const page = await web.get(`${gatehouse.url}/forgot-password`);
        answers.push(plain(await web.submit(page, '/forgot-password', { email }), email));
      }
      const [first, ...others] = answers;
      expect(first?.status).to.equal(200);
      for (const other of others) expect(other, `time ${time}`).to.deep.equal(first);
    }
    const counts = [];
    for (const email of emails) counts.push((await mailsTo(gatehouse, email)).length);
    expect(counts).to.deep.equal([3, 0, 0, 3, 3]);
    expect(outboxFiles(gatehouse.database.dataDir, '.eml')).to.have.length(9);
  });

  it('counts an unknown address as it counts a known one', async () => {
    const { store: database } = gatehouse.core;
    const counters = async () =>
      (await database.all(database.compile(database.sql('limit_counters').orderBy('key')))).map(
        ({ key, failures, pending, subject }) => ({ key, failures, pending, subject }),
      );
    const ask = async (email: string) => {
      const web = createWeb(gatehouse.url);
      const page = await web.get(`${gatehouse.url}/forgot-password`);
      await web.submit(page, '/forgot-password', { email });
    };
    const before = await counters();
    const { email } = await createPerson(gatehouse);
    await ask(email);
    await ask('nobody-knows@example.com');
    const added = (await counters()).filter(({ key }) => before.every((each) => each.key !== key));
    const counted = added.map(({ failures, pending, subject }) => ({ failures, pending, subject }));
    const one = { failures: 1, pending: 0, subject: null };
    expect(counted).to.deep.equal([one, one]);
    const text = JSON.stringify(added);
    expect(text).not.to.include('nobody-knows').and.not.to.include(email);
  });
});

function plain({ status, headers, text }: Page, email: string) {
  const same = [...headers].filter(([name]) => !['date', 'content-length'].includes(name));
  const body = text.replaceAll(email, 'EMAIL');
  return { status, body, headers: same };
}
