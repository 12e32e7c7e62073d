// The numbers of the limit on second-factor codes: one account, whatever flow, browser or method.
import { expect } from 'chai';
import type { Factor } from '../../src/factors/index.ts';
import { createFakeFactor, RIGHT_WORD } from '../support/fake-factor/fake-factor.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  BEHIND_PROXY,
  createVerifier,
  type From,
  freshAddress,
  guess,
  headersOf,
} from '../support/guesses.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { alertOf, createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

onOneStoreExcept(/at once/, 'limits on codes', (store) => {
  const verifier = createVerifier();
  const fake = createFakeFactor();
  let looks = 0;
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;

  const counted = (factor: Factor): Factor => ({
    ...factor,
    verify: (attempt) => {
      looks += 1;
      return factor.verify(attempt);
    },
  });

  before(async () => {
    gatehouse = await startGatehouse({
      store,
      env: BEHIND_PROXY,
      factors: (needs) => {
        const [own] = fake.factors(needs).slice(-1).map(counted);
        if (!own) throw new Error('no factor');
        return [
          ...verifier.factors(needs),
          own,
          { ...own, name: 'fake-other' },
          { ...own, name: 'fake-last', isLastResort: true },
        ];
      },
    });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    await fake.enrol(gatehouse, person);
  });
  after(() => gatehouse.stop());

  /** A browser that has proved the password. */
  const knock = async (where: From = { address: freshAddress() }) => {
    const web = where.web ?? createWeb(gatehouse.url);
    const from = { ...where, web };
    const page = await guess(party, person.email, person.password, from);
    expect(titleOf(page)).to.equal('Two-factor authentication');
    return { from, page };
  };
  const say = (
    { from, page }: { from: From & { web: Web }; page: Page },
    word: string,
    method = 'fake',
  ): Promise<Page> => {
    const { action, fields } = findForm(page, '/prove/fake');
    const address = `${action}`.replace(/fake$/, method);
    return from.web.post(address, { ...fields, word }, headersOf(from));
  };
  const sayWrong = async (times: number, where?: From, method?: string) => {
    const door = await knock(where);
    const statuses: number[] = [];
    for (let time = 0; time < times; time += 1) {
      statuses.push((await say(door, `wrong ${time}`, method)).status);
    }
    return statuses;
  };
  const times = (count: number, status: number) => Array.from({ length: count }, () => status);
  const expectIn = (page: Page) => expect(titleOf(page)).to.equal('Allow access');

  it('ten over all flows, browsers, addresses and methods, and the eleventh is refused though right', async () => {
    const before = looks;
    expect(await sayWrong(4)).to.deep.equal(times(4, 422));
    expect(await sayWrong(4, undefined, 'fake-other')).to.deep.equal(times(4, 422));
    const door = await knock();
    const ninth = await say(door, 'explode');
    expect(alertOf(ninth)).to.equal(
      "That code isn't right. Check it and try again. 1 attempt left before a pause of 15 minutes.",
    );
    expect((await say(door, 'wrong')).status).to.equal(422);
    const eleventh = await say(door, RIGHT_WORD);
    expect(eleventh.status).to.equal(429);
    expect(Number(eleventh.headers.get('retry-after'))).to.be.within(840, 900);
    expect(alertOf(eleventh)).to.match(/Try again at .*UTC/);
    expect((await say(door, RIGHT_WORD, 'fake-last')).status).to.equal(429);
    expect(looks - before).to.equal(10);
  });

  it('a right password resets nothing', async () => {
    await sayWrong(10);
    for (let time = 0; time < 3; time += 1) {
      expect((await say(await knock(), RIGHT_WORD)).status).to.equal(429);
    }
  });

  it('it opens after fifteen minutes, and a right code resets it', async () => {
    await sayWrong(10);
    await gatehouse.advance('15m');
    expect(await sayWrong(9)).to.deep.equal(times(9, 422));
    expectIn(await say(await knock(), RIGHT_WORD));
    expect(await sayWrong(11)).to.deep.equal([...times(10, 422), 429]);
  });

  it('a stranger who knows the password leaves a known browser five tries of its own', async () => {
    const web = createWeb(gatehouse.url);
    const address = freshAddress();
    expectIn(await say(await knock({ web, address }), RIGHT_WORD));
    web.clear(({ name }) => !name.startsWith('gatehouse_browser'));
    expect(await sayWrong(11)).to.deep.equal([...times(10, 422), 429]);
    const door = await knock({ web, address });
    for (let time = 0; time < 4; time += 1) {
      expect((await say(door, 'wrong')).status).to.equal(422);
    }
    const other = web.copy();
    expectIn(await say(door, RIGHT_WORD));
    other.clear(({ name }) => !name.startsWith('gatehouse_browser'));
    expect(await sayWrong(6, { web: other, address })).to.deep.equal([...times(5, 422), 429]);
  });

  it('after a hundred in a row only the last resort opens, and then all do', async () => {
    for (let round = 0; round < 10; round += 1) {
      expect(await sayWrong(10)).to.deep.equal(times(10, 422));
      await gatehouse.advance('1d');
    }
    const door = await knock();
    const refused = await say(door, RIGHT_WORD);
    expect(refused.status).to.equal(429);
    expect(alertOf(refused)).to.include('Use a backup code');
    expect((await say(await knock(), RIGHT_WORD, 'fake-other')).status).to.equal(429);
    expectIn(await say(door, RIGHT_WORD, 'fake-last'));
    expectIn(await say(await knock(), RIGHT_WORD));
  });

  it('ten right codes at once in ten flows all work', async () => {
    const doors = await Promise.all(times(10, 0).map(() => knock()));
    const answers = await Promise.all(doors.map((door) => say(door, RIGHT_WORD)));
    answers.forEach(expectIn);
  });

  it('fifty wrong ones at once are ten', async () => {
    const before = looks;
    const doors = await Promise.all(times(5, 0).map(() => knock()));
    const sent = doors.flatMap((door) => times(10, 0).map(() => say(door, 'wrong')));
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 422)).to.have.length(10);
    expect(statuses.filter((status) => status === 429)).to.have.length(40);
    expect(looks - before).to.equal(10);
  });

  it('what clears an account clears this too', async () => {
    await sayWrong(10);
    const { limits, store: database } = gatehouse.core;
    await database.commit(limits.clearAccount(person));
    expectIn(await say(await knock(), RIGHT_WORD));
  });
});
