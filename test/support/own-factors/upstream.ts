// A first factor whose proof is made by another provider, which is a stub here.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { type Factor, rejected } from '../../../src/factors/factor.ts';
import type { FactorNeeds } from '../../../src/factors/index.ts';

export interface Upstream {
  readonly origin: string;
  /** Who is signed in there; undefined: they cancel. */
  email: string | undefined;
  /** Set: asking where to go fails. */
  isDown: boolean;
  /** @param change for a factor of another step, or one that proves something else */
  create(needs: Pick<FactorNeeds, 'accounts'>, change?: Partial<Factor>): Factor;
  stop(): void;
}

const input = z.object({ code: z.string() });

/** Its codes are good once, and for the sign-in that asked only. */
export async function startUpstream(): Promise<Upstream> {
  const codes = new Map<string, { readonly email: string; readonly context: string }>();
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', upstream.origin);
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.searchParams.set('state', searchParams.get('state') ?? '');
    if (upstream.email === undefined) back.searchParams.set('error', 'access_denied');
    else {
      const code = `code-${codes.size + 1}`;
      codes.set(code, { email: upstream.email, context: searchParams.get('nonce') ?? '' });
      back.searchParams.set('code', code);
    }
    response.writeHead(302, { location: back.href }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream: Upstream = {
    origin: `http://127.0.0.1:${port}`,
    email: undefined,
    isDown: false,
    create: ({ accounts }, change = {}): Factor => {
      const factor = {
        name: 'upstream',
        step: 'sign-in',
        proves: 'knowledge',
        amr: ['fed'],
        input,
        page: {
          view: '',
          title: 'sign-in.title',
          button: 'sign-in.submit',
          link: 'sign-in.title',
          texts: 'sign-in',
        },
        redirect: {
          begin: async ({ state, returnTo, context }) => {
            if (upstream.isDown) throw new Error('the other provider is away');
            const url = new URL('/authorize', upstream.origin);
            for (const [name, value] of Object.entries({ state, redirect_uri: returnTo })) {
              url.searchParams.set(name, value);
            }
            url.searchParams.set('nonce', context);
            return url.href;
          },
        },
        isEnrolled: async () => true,
        verify: async ({ input: { code }, context }) => {
          const found = codes.get(code);
          codes.delete(code);
          if (found?.context !== context) return rejected('not a code of this sign-in');
          const account = await accounts.findByEmail(found.email);
          if (account?.status !== 'active') return rejected('unknown account');
          return { kind: 'proved', account, spend: [] };
        },
      } satisfies Factor<z.infer<typeof input>>;
      return { ...(factor as Factor), ...change };
    },
    stop: () => server.close(),
  };
  return upstream;
}
