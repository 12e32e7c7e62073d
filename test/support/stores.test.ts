// Which tests run on which database.
import { expect } from 'chai';
import { onBothStores, onOneStore, onOneStoreExcept, type StoreKind } from './stores.ts';

const ran: string[] = [];

const tests =
  (title: string) =>
  ({ name }: StoreKind): void => {
    const note = (what: string) => it(what, () => ran.push(`${title}, ${what}: ${name}`));
    note('alone');
    describe('many', () => note('at once'));
  };

onBothStores('both', tests('both'));
onOneStore('one', tests('one'));
onOneStoreExcept(/at once/, 'one except', tests('one except'));

describe('test support: stores', () => {
  const storesOf = (test: string) =>
    ran.filter((each) => each.startsWith(`${test}: `)).map((each) => each.split(': ')[1]);
  const both = ['SQLite', 'PostgreSQL'];
  const one = process.env.ALL_STORES === '1' ? both : ['SQLite'];

  it('run what concerns the database on both, and the rest on one unless all are asked for', () => {
    expect(storesOf('both, alone')).to.deep.equal(both);
    expect(storesOf('both, at once')).to.deep.equal(both);
    expect(storesOf('one, alone')).to.deep.equal(one);
    expect(storesOf('one, at once')).to.deep.equal(one);
    expect(storesOf('one except, alone')).to.deep.equal(one);
    expect(storesOf('one except, at once')).to.deep.equal(both);
  });
});
