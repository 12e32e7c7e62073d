// Stands before a route: lets tokens with the right scopes pass, and says what is missing (RFC 6750).
import type { Context, Middleware } from 'koa';
import {
  type AccessToken,
  InvalidToken,
  KeysUnreachable,
  type VerifyToken,
} from './access-tokens.ts';
import { type CheckProof, InvalidProof, PROOF_ALGORITHMS } from './dpop.ts';

export interface GuardNeeds {
  /** The address of this API as clients know it: never what a header says. */
  readonly baseUrl: string;
  readonly verifyToken: VerifyToken;
  readonly checkProof: CheckProof;
}

/** The route needs a token that holds all of these scopes. */
export type Guard = (...scopes: readonly string[]) => Middleware;

interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly error?: string;
  readonly description: string;
  readonly scope?: string;
}

export function createGuard(needs: GuardNeeds): Guard {
  return (...scopes) =>
    async (ctx, next) => {
      const found = await look(ctx, needs);
      const refusal = 'status' in found ? found : lacking(found, scopes);
      if (refusal) return refuse(ctx, refusal);
      ctx.state.token = found;
      await next();
    };
}

async function look(ctx: Context, needs: GuardNeeds): Promise<AccessToken | Refusal> {
  const [, scheme = '', value = ''] =
    /^(Bearer|DPoP) +([\w.~+/=-]+)$/i.exec(ctx.get('Authorization')) ?? [];
  // Whoever sends nothing is told what to send, and no error (RFC 6750, 3.1).
  if (!value) return { status: 401, description: 'an access token is needed' };
  try {
    const token = await needs.verifyToken(value);
    await checkHolder(ctx, { scheme, value, token }, needs);
    return token;
  } catch (error) {
    return refusalFor(error);
  }
}

interface Sent {
  readonly scheme: string;
  readonly value: string;
  readonly token: AccessToken;
}

/** A token that is bound to a key is worth nothing without it: not as Bearer, either. */
async function checkHolder(ctx: Context, sent: Sent, needs: GuardNeeds): Promise<void> {
  const { boundTo } = sent.token;
  const isProved = sent.scheme.toLowerCase() === 'dpop';
  if (boundTo === undefined && isProved) throw new InvalidToken('the token is bound to no key');
  if (boundTo === undefined) return;
  if (!isProved) throw new InvalidToken('the token is bound to a key: send it with a DPoP proof');
  await needs.checkProof({
    boundTo,
    token: sent.value,
    proof: ctx.get('DPoP'),
    method: ctx.method,
    address: `${needs.baseUrl}${ctx.path}`,
  });
}

function refusalFor(error: unknown): Refusal {
  const description = (error as Error).message;
  if (error instanceof InvalidToken) return { status: 401, error: 'invalid_token', description };
  if (error instanceof InvalidProof) {
    return { status: 401, error: 'invalid_dpop_proof', description };
  }
  if (error instanceof KeysUnreachable) return { status: 503, description };
  throw error;
}

function lacking(token: AccessToken, scopes: readonly string[]): Refusal | undefined {
  if (scopes.every((scope) => token.scopes.has(scope))) return undefined;
  const scope = scopes.join(' ');
  const description = `needs the scope ${scope}`;
  return { status: 403, error: 'insufficient_scope', description, scope };
}

function refuse(ctx: Context, { status, error, description, scope }: Refusal): void {
  ctx.status = status;
  // Why a token is no good is for the log: to whoever tries tokens it would only be a help.
  ctx.state.reason = description;
  if (status === 503) {
    ctx.set('Retry-After', '5');
    ctx.body = { error: 'temporarily_unavailable' };
    return;
  }
  challenge(ctx, { error, scope });
  ctx.body = { error: error ?? 'unauthorized' };
}

/** Both ways to send a token; what was wrong stands with the one that was used. */
function challenge(ctx: Context, problem: Record<string, string | undefined>): void {
  const given = Object.entries(problem).filter(([, value]) => value !== undefined);
  const parameters = given.map(([name, value]) => `, ${name}="${value}"`).join('');
  const usesProof = /^DPoP /i.test(ctx.get('Authorization'));
  ctx.append('WWW-Authenticate', `Bearer realm="orders"${usesProof ? '' : parameters}`);
  const algs = `algs="${PROOF_ALGORITHMS.join(' ')}"`;
  ctx.append('WWW-Authenticate', `DPoP ${algs}${usesProof ? parameters : ''}`);
}
