// A rotation seen from outside: two processes over one database, and the command beside them.
import { expect } from 'chai';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { done } from '../cli/helpers.ts';
import { auditRows } from '../support/audit.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { codeOf, createPerson, createRelyingParty, signInAt } from '../support/relying-party.ts';
import {
  createIssue,
  type Issue,
  kidOf,
  kidsAt,
  until,
  withResources,
} from '../support/signing.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

onBothStores('rotation of the signing keys on two processes', (store) => {
  let pair: Pair;
  let issue: Issue;
  let env: Record<string, string>;
  let nodes: readonly [string, string];
  before(async () => {
    const database = await store.createMigrated();
    env = withResources(database);
    pair = await startPair(store, env, database);
    nodes = [pair.processes[0].url, pair.processes[1].url];
    issue = await createIssue(pair);
  });
  after(() => pair.stop());

  const rotate = async (...more: string[]): Promise<string[]> => {
    const options = { database: pair.database, env };
    const said = await done(['keys', 'rotate', '--json', ...more], options);
    return (JSON.parse(said) as Array<{ kid: string }>).map(({ kid }) => kid);
  };
  /** A request lets a process see the time that another has set. */
  const advance = async (text: string) => {
    await pair.advance(text);
    for (const node of nodes) await fetch(`${node}/jwks?live`);
  };
  const verifyEverywhere = async (token: string) => {
    for (const node of nodes) await jwtVerify(token, createRemoteJWKSet(new URL(`${node}/jwks`)));
  };
  const signers = async () => [
    kidOf(await issue('RS256', nodes[0])),
    kidOf(await issue('RS256', nodes[1])),
  ];

  it('goes from key to key, and no token is refused anywhere', async () => {
    const before = await kidsAt(nodes[0]);
    const [old = ''] = before;
    const early = [await issue('RS256', nodes[0]), await issue('EdDSA', nodes[1])];
    const made = await rotate();
    const [next = ''] = made;
    const all = [...before, ...made].sort();
    for (const node of nodes) {
      await until(async () => String((await kidsAt(node)).sort()) === String(all));
    }
    expect(await signers(), 'published').to.deep.equal([old, old]);
    for (const token of early) await verifyEverywhere(token);

    await advance('14m');
    const late = await Promise.all(nodes.map((node) => issue('RS256', node)));
    expect(late.map(kidOf), 'a minute before').to.deep.equal([old, old]);
    await advance('1m');
    expect(await signers(), 'at its time').to.deep.equal([next, next]);
    for (const token of [...late, await issue('ES256', nodes[1])]) await verifyEverywhere(token);

    await advance('61m');
    for (const node of nodes) expect(await kidsAt(node)).to.include(old);
    await advance('2m');
    for (const node of nodes) expect(await kidsAt(node)).to.have.members(made);
    const rows = await auditRows(pair, { kind: 'admin.key_retired' });
    expect(rows.map(({ detail }) => detail.kid)).to.have.members(before);
  });

  it('a sign-in goes over it from one process to the other', async () => {
    const party = await createRelyingParty(pair);
    const web = createWeb(pair.url);
    const request = party.url();
    const page = await web.get(request.url);
    const [made] = await rotate('--now');
    await advance('40s');
    const code = codeOf(await signInAt(web, page, await createPerson(pair)));
    const { status, body } = await party.redeem(request, code, nodes[1]);
    expect(status).to.equal(200);
    expect(kidOf(String(body.id_token))).to.equal(made);
    await verifyEverywhere(String(body.id_token));
  });
});
