// Refresh tokens: who gets a new one, what parallel requests and lost answers do, what a theft does.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { createDpopKey, type DpopKey } from '../support/dpop.ts';
import { WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  type Answer,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  REDIRECT_URI,
  type RelyingParty,
  type Request_,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

const PUBLIC = { token_endpoint_auth_method: 'none', first_party: true };

/** A client that refreshes, as its library would. */
interface Client {
  readonly party: RelyingParty;
  /** @param at the process that is asked */
  refresh(token: string, at?: string): Promise<Answer>;
  begin(): Promise<{ readonly refresh: string; readonly access: string }>;
}

onBothStores('refresh tokens', (store) => {
  let pair: Pair;
  let person: Person;

  before(async () => {
    pair = await startPair(store);
    person = await createPerson(pair);
  });
  after(() => pair.stop());

  const plain = async (metadata: Record<string, unknown>): Promise<Client> => {
    const party = await createRelyingParty(pair, { metadata: { first_party: true, ...metadata } });
    return {
      party,
      refresh: (token, at) => party.refresh(token, at),
      begin: async () => {
        const { tokens } = await signIn(pair, party, person);
        return { refresh: tokens.refresh_token ?? '', access: tokens.access_token };
      },
    };
  };

  const bound = async (): Promise<Client> => {
    const party = await createRelyingParty(pair, { metadata: PUBLIC });
    const key = await createDpopKey();
    const ask = (fields: Record<string, string>, at = pair.url) => post(party, key, fields, at);
    return {
      party,
      refresh: (token, at) => ask({ grant_type: 'refresh_token', refresh_token: token }, at),
      begin: async () => {
        const web = createWeb(pair.url);
        const request: Request_ = party.url();
        const page = await signInAt(web, await web.get(request.url), person);
        const { body } = await ask({
          grant_type: 'authorization_code',
          code: codeOf(page),
          redirect_uri: REDIRECT_URI,
          code_verifier: request.verifier,
        });
        return { refresh: String(body.refresh_token), access: String(body.access_token) };
      },
    };
  };

  const post = async (
    { id }: RelyingParty,
    key: DpopKey,
    fields: Record<string, string>,
    at: string,
  ): Promise<Answer> => {
    const response = await fetch(`${at}/token`, {
      method: 'POST',
      headers: { dpop: await key.proof('POST', `${pair.url}/token`) },
      body: new URLSearchParams({ client_id: id, ...fields }),
    });
    const body = JSON.parse(await response.text());
    return { status: response.status, body, headers: response.headers };
  };

  const KINDS: Readonly<Record<string, () => Promise<Client>>> = {
    'of a client with a secret': () => plain({}),
    'of a client with a secret that rotates': () => plain({ rotate_refresh_tokens: true }),
    'of a public client': () => plain(PUBLIC),
    'of a public client with a key': bound,
  };
  const ROTATES = ['of a client with a secret that rotates', 'of a public client'];

  const sixAtOnce = ({ refresh }: Client, token: string) =>
    Promise.all(
      Array.from({ length: 6 }, (_, index) => refresh(token, pair.processes[index % 2]?.url)),
    );
  const refreshOf = ({ body }: Answer) => String(body.refresh_token);
  const kindsOf = async ({ party }: Client) =>
    (await auditRows(pair)).filter(({ clientId }) => clientId === party.id).map(({ kind }) => kind);

  for (const [kind, create] of Object.entries(KINDS)) {
    describe(kind, () => {
      let client: Client;
      before(async () => {
        client = await create();
      });
      const rotates = ROTATES.includes(kind);

      it(rotates ? 'are replaced at each use' : 'stay what they are', async () => {
        const { refresh } = await client.begin();
        const next = refreshOf(await client.refresh(refresh));
        expect(next === refresh).to.equal(!rotates);
        expect((await client.refresh(next)).status).to.equal(200);
      });

      it('are replaced after 70 % of their life', async () => {
        const { refresh } = await client.begin();
        const held = rotates ? refresh : refreshOf(await client.refresh(refresh));
        await pair.advance('5d');
        const answer = await client.refresh(held);
        expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
        expect(refreshOf(answer)).not.to.equal(held);
        await pair.advance('5d');
        expect((await client.refresh(refreshOf(answer))).status).to.equal(200);
      });

      it('six at once on two processes all bring tokens, ten times', async () => {
        let { refresh } = await client.begin();
        for (let round = 1; round <= 10; round += 1) {
          const answers = await sixAtOnce(client, refresh);
          expect(
            answers.map(({ status }) => status),
            `round ${round}`,
          ).to.deep.equal([200, 200, 200, 200, 200, 200]);
          // Each of them goes on, whichever the application keeps.
          const kept = await Promise.all(answers.map((each) => client.refresh(refreshOf(each))));
          for (const { status } of kept) expect(status).to.equal(200);
          const last = kept.at(-1);
          if (last) refresh = refreshOf(last);
        }
        expect(await kindsOf(client)).not.to.include('token.reuse');
      });

      for (const seconds of ['0s', '2s', '9s']) {
        it(`a lost answer is asked for again after ${seconds}`, async () => {
          const { refresh } = await client.begin();
          expect((await client.refresh(refresh)).status).to.equal(200);
          await pair.advance(seconds);
          const again = await client.refresh(refresh);
          expect(again.status, JSON.stringify(again.body)).to.equal(200);
          expect((await client.refresh(refreshOf(again))).status).to.equal(200);
        });
      }

      it(rotates ? 'a second use after 11s ends the family' : 'work after 11s', async () => {
        const { refresh } = await client.begin();
        const next = await client.refresh(refresh);
        const access = String(next.body.access_token);
        await pair.advance('11s');
        const late = await client.refresh(refresh);
        if (!rotates) {
          expect(late.status).to.equal(200);
          return;
        }
        expect([late.status, late.body.error]).to.deep.equal([400, 'invalid_grant']);
        expect((await client.refresh(refreshOf(next))).body.error).to.equal('invalid_grant');
        expect((await client.party.userinfo(access)).status).to.equal(401);
        expect(await kindsOf(client)).to.include('token.reuse');
      });
    });
  }

  describe('that were stolen', () => {
    it('end the family when both have used them, and stay ended within the interval', async () => {
      const client = await plain(PUBLIC);
      const { refresh: stolen } = await client.begin();
      const owner = refreshOf(await client.refresh(stolen));
      await pair.advance('30s');
      expect((await client.refresh(stolen)).status, 'the thief comes second').to.equal(400);
      for (const token of [owner, stolen, owner]) {
        expect((await client.refresh(token)).body.error).to.equal('invalid_grant');
      }
    });

    it('end the family, too, when the owner comes second', async () => {
      const client = await plain(PUBLIC);
      const { refresh: stolen } = await client.begin();
      const thief = refreshOf(await client.refresh(stolen));
      await pair.advance('30s');
      expect((await client.refresh(stolen)).status).to.equal(400);
      expect((await client.refresh(thief)).status).to.equal(400);
    });

    it('bring nothing within the interval once the family has ended', async () => {
      const client = await plain(PUBLIC);
      const { refresh } = await client.begin();
      const next = refreshOf(await client.refresh(refresh));
      await client.party.revoke(next);
      expect((await client.refresh(refresh)).body.error).to.equal('invalid_grant');
    });

    it('bring nothing to another client, and nothing without the key', async () => {
      const client = await bound();
      const { refresh } = await client.begin();
      const other = await bound();
      expect((await other.refresh(refresh)).body.error).to.equal('invalid_grant');
      expect((await client.party.refresh(refresh)).status).to.equal(400);
      expect((await client.refresh(refresh)).status).to.equal(200);
    });
  });

  it('a proxy that keeps its session in a cookie is never signed out', async () => {
    // Each request refreshes where the cookie is old; the last answer's cookie stays.
    const client = await plain({ rotate_refresh_tokens: true });
    let cookie = (await client.begin()).refresh;
    for (let page = 1; page <= 5; page += 1) {
      const answers = await sixAtOnce(client, cookie);
      for (const { status } of answers) expect(status, `page ${page}`).to.equal(200);
      cookie = refreshOf(answers[Math.floor(Math.random() * answers.length)] as Answer);
      await pair.advance('20m');
    }
    expect(await kindsOf(client)).not.to.include('token.reuse');
  });

  it('a public client cannot be registered not to rotate, unless its tokens are bound', async () => {
    const metadata = { ...PUBLIC, rotate_refresh_tokens: false };
    const refused = await createRelyingParty(pair, { metadata }).catch((error: Error) => error);
    expect(String(refused)).to.include('rotate_refresh_tokens');
    const keyed = { ...metadata, dpop_bound_access_tokens: true };
    await createRelyingParty(pair, { metadata: keyed });
  });
});

onBothStores('refresh tokens without a reuse interval', (store) => {
  let pair: Pair;
  before(async () => {
    const database = await store.createMigrated();
    const settings = join(database.dataDir, 'strict.json');
    writeFileSync(settings, JSON.stringify({ refresh: { reuse_interval: 0 }, ...WITHOUT_FACTOR }));
    pair = await startPair(store, { GATEHOUSE_CONFIG: settings }, database);
  });
  after(() => pair.stop());

  it('are good once', async () => {
    const party = await createRelyingParty(pair, { metadata: PUBLIC });
    const { tokens } = await signIn(pair, party, await createPerson(pair));
    const old = tokens.refresh_token ?? '';
    const { body } = await party.refresh(old);
    expect((await party.refresh(old)).status).to.equal(400);
    expect((await party.refresh(String(body.refresh_token))).body.error).to.equal('invalid_grant');
  });
});
