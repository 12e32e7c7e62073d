// Whose turn it is to use a connection: tokens have some that sign-ins never get, and nobody starves.
import { expect } from 'chai';
import type { GatehouseError } from '../../src/lib/errors.ts';
import { createPlaces } from '../../src/store/postgres-places.ts';

const LONG = 1e6;

function watchedPlaces(max: number, patience = LONG) {
  const places = createPlaces({ max, patience });
  const started: string[] = [];
  const refused: string[] = [];
  const draining = new Map<string, () => void>();
  const take = (name: string, mayWait: boolean) =>
    places.take(mayWait).then(
      (leave) => {
        started.push(name);
        draining.set(name, leave);
      },
      (error: GatehouseError) => refused.push(`${name} ${error.code ?? error.message}`),
    );
  return {
    places,
    started,
    refused,
    take,
    many: async (count: number, name: string, mayWait: boolean) => {
      for (let each = 1; each <= count; each += 1) void take(`${name}${each}`, mayWait);
      await settle();
    },
    leave: async (name: string) => {
      draining.get(name)?.();
      await settle();
    },
  };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('places of connections', () => {
  it('sign-ins get half of them, tokens get them all', async () => {
    const { many, started, leave } = watchedPlaces(4);
    await many(10, 'page', true);
    expect(started).to.deep.equal(['page1', 'page2']);
    await many(3, 'token', false);
    expect(started.slice(2)).to.deep.equal(['token1', 'token2']);
    await leave('page1');
    expect(started.slice(4)).to.deep.equal(['token3']);
    await leave('token1');
    expect(started.slice(5)).to.deep.equal(['page3']);
    await leave('token2');
    await leave('token3');
    expect(started, 'the half of tokens stays free').to.have.length(6);
    await leave('page2');
    expect(started.slice(6)).to.deep.equal(['page4']);
  });

  it('tokens that never end keep no page out', async () => {
    const { many, started, leave } = watchedPlaces(2);
    await many(30, 'token', false);
    await many(2, 'page', true);
    for (let each = 1; each <= 10; each += 1) await leave(`token${each}`);
    expect(started.filter((name) => name.startsWith('page'))).to.deep.equal(['page1']);
    await leave('page1');
    for (let each = 11; each <= 20; each += 1) await leave(`token${each}`);
    expect(started).to.include('page2');
  });

  it('a single connection is for everybody', async () => {
    const { many, started, leave } = watchedPlaces(1);
    await many(1, 'page', true);
    await many(1, 'token', false);
    expect(started).to.deep.equal(['page1']);
    await leave('page1');
    expect(started).to.deep.equal(['page1', 'token1']);
  });

  it('a place that is given back twice is one place', async () => {
    const { many, started, leave } = watchedPlaces(1);
    await many(3, 'token', false);
    await leave('token1');
    await leave('token1');
    expect(started).to.deep.equal(['token1', 'token2']);
  });

  it('too many are told that it is busy, and those of one kind fill no other line', async () => {
    const { many, refused, started, leave } = watchedPlaces(1);
    await many(102, 'page', true);
    expect(refused).to.deep.equal(['page102 busy']);
    await many(1, 'token', false);
    await leave('page1');
    expect(started).to.deep.equal(['page1', 'token1']);
  });

  it('nobody waits for ever, and where the connections are made anew everybody is told', async () => {
    const { take, refused, places } = watchedPlaces(1, 20);
    await take('token1', false);
    await take('token2', false);
    expect(refused).to.deep.equal(['token2 busy']);
    const third = take('token3', false);
    places.clear(new Error('made anew'));
    await third;
    expect(refused.at(-1)).to.equal('token3 made anew');
  });
});
