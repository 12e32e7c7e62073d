// A client that holds a token of another one: it learns nothing of it, and ends nothing with it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';

const FILES = 'https://files.example.com';
const PHOTOS = 'https://photos.example.com';
const MACHINE = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const INACTIVE = { active: false };

describe('a token of another client', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let tokens: { access: string; refresh: string; forFiles: string; ofMachine: string };

  before(async () => {
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'resources.json');
    const resources = [FILES, PHOTOS].map((identifier) => ({
      identifier,
      scopes: ['read'],
      token_format: 'opaque',
    }));
    writeFileSync(file, JSON.stringify({ resources, ...WITHOUT_FACTOR }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file } });
    party = await client({ resources: [FILES] });
    const person = await createPerson(gatehouse);
    const plain = await signIn(gatehouse, party, person);
    const parameters = { scope: 'openid read', resource: FILES };
    const forFiles = await signIn(gatehouse, party, person, { parameters });
    const machine = await client({ ...MACHINE, resources: [FILES] });
    const grant = { grant_type: 'client_credentials', resource: FILES };
    tokens = {
      access: plain.tokens.access_token,
      refresh: forFiles.tokens.refresh_token ?? '',
      forFiles: forFiles.tokens.access_token,
      ofMachine: String((await machine.token(grant)).body.access_token),
    };
  });
  after(() => gatehouse.stop());

  const client = (metadata: object = {}) =>
    createRelyingParty(gatehouse, { metadata: { ...metadata } });
  const strangers = async (): Promise<Record<string, RelyingParty>> => ({
    'another application': await client(),
    'an application of our own': await client({ first_party: true }),
    'one that may call the same API': await client({ resources: [FILES] }),
    'a public one that may': await client({
      resources: [FILES],
      token_endpoint_auth_method: 'none',
    }),
    'another API': await client({ ...MACHINE, resources: [PHOTOS] }),
    'a machine registered for nothing': await client(MACHINE),
  });

  it('is told to nobody but its client', async () => {
    for (const [who, stranger] of Object.entries(await strangers())) {
      for (const [kind, token] of Object.entries(tokens)) {
        const { status, body } = await stranger.introspect(token);
        expect([status, body], `${who}, ${kind}`).to.deep.equal([200, INACTIVE]);
      }
    }
    expect((await party.introspect(tokens.access)).body.active).to.equal(true);
    expect((await party.introspect(tokens.refresh)).body.active).to.equal(true);
  });

  it('is told to the API that it is for, and no refresh token is', async () => {
    const api = await client({ ...MACHINE, resources: [FILES] });
    const told = await api.introspect(tokens.forFiles);
    expect(told.body).to.include({ active: true, aud: FILES, scope: 'read', client_id: party.id });
    expect((await api.introspect(tokens.ofMachine)).body.active).to.equal(true);
    for (const token of [tokens.access, tokens.refresh]) {
      expect((await api.introspect(token)).body).to.deep.equal(INACTIVE);
    }
  });

  it('is revoked by nobody else, who is answered as for one that does not exist', async () => {
    const api = await client({ ...MACHINE, resources: [FILES] });
    for (const [who, stranger] of Object.entries({ ...(await strangers()), 'the API': api })) {
      const nothing = await stranger.revoke('there-is-no-such-token');
      for (const [kind, token] of Object.entries(tokens)) {
        const { status, body } = await stranger.revoke(token);
        expect([status, body], `${who}, ${kind}`).to.deep.equal([nothing.status, nothing.body]);
      }
    }
    expect((await party.introspect(tokens.refresh)).body.active).to.equal(true);
    expect((await party.introspect(tokens.access)).body.active).to.equal(true);
    expect((await api.introspect(tokens.ofMachine)).body.active).to.equal(true);
  });
});
