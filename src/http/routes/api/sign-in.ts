// Signs people in for first-party applications: in one call, or in two with the code in the second.
import type { Context } from 'koa';
import type { KnownBrowsers } from '../../../domain/accounts/known-browsers.ts';
import { hasRole } from '../../../domain/accounts/roles.ts';
import type { CallingApplication, Requester } from '../../../domain/limits/requester.ts';
import { wantedAcr } from '../../../domain/sessions/assurance.ts';
import type { Factor } from '../../../factors/index.ts';
import { randomId } from '../../../lib/ids.ts';
import type { Vault } from '../../../lib/vault.ts';
import type { AuthenticatedClient } from '../../../oidc/client-authentication.ts';
import type { FirstPartySession, FirstPartySessions } from '../../../oidc/first-party-sessions.ts';
import type { FirstPartyTokens } from '../../../oidc/first-party-tokens.ts';
import type { SendChallenge } from '../../../signin/challenge.ts';
import type { SignInTarget } from '../../../signin/finish.ts';
import type { CredentialInput, SignInFirstParty } from '../../../signin/first-party.ts';
import type { Flow, Flows } from '../../../signin/flow.ts';
import { readJson } from '../../json.ts';
import type { RequesterCookies } from '../../requester-cookies.ts';
import type { FindCaller } from './caller.ts';
import { GONE, type OutcomeNeeds, refusalFor } from './outcomes.ts';
import { ApiError, tooMany } from './refusal.ts';
import { requestsFor } from './requests.ts';
import { tokensInJson } from './tokens.ts';

export interface ApiSignInNeeds extends OutcomeNeeds {
  readonly vault: Vault;
  readonly flows: Flows;
  readonly requesterCookies: RequesterCookies;
  readonly knownBrowsers: KnownBrowsers;
  readonly findCaller: FindCaller;
  readonly firstPartySessions: FirstPartySessions;
  readonly signInFirstParty: SignInFirstParty;
  readonly sendChallenge: SendChallenge;
  readonly firstPartyTokens: FirstPartyTokens;
}

type Body = Readonly<Record<string, unknown>>;

interface Attempt {
  readonly client: AuthenticatedClient;
  /** What the application was told; the row knows its keyed hash alone. */
  readonly handle: string;
  readonly scopes: readonly string[];
  readonly credentials: readonly CredentialInput[];
  /** The keyed hash of the `device_token` that the sign-in began with. */
  readonly device: string | undefined;
  /** Of a sign-in that begins. */
  readonly prepared?: Flow;
}

interface Deps extends ApiSignInNeeds {
  readonly requests: ReturnType<typeof requestsFor>;
  /** The first factor that applications send: the others lead to pages. */
  readonly password: Factor;
}

export function createApiSignIn(needs: ApiSignInNeeds) {
  const { factors } = needs;
  const password = factors.find(({ step, redirect }) => step === 'sign-in' && !redirect);
  if (!password) throw new Error('no first factor can be sent by applications');
  const deps: Deps = { ...needs, requests: requestsFor(factors), password };
  return {
    login: (ctx: Context) => login(deps, ctx),
    factor: (ctx: Context) => proveFactor(deps, ctx),
    challenge: (ctx: Context) => challenge(deps, ctx),
  };
}

async function login(deps: Deps, ctx: Context): Promise<void> {
  const body = await readJson(ctx, deps.requests.login);
  const client = await getCaller(deps, ctx, body);
  const scopes = scopesOf(deps, client, body.scope);
  const credentials = [credentialOf(deps.password, body), ...codesIn(deps, body)];
  const handle = randomId(256);
  const { device_token: token } = body;
  const device = token && deps.knownBrowsers.deviceOf(client.clientId, token);
  const prepared = await deps.flows.prepare({
    key: keyOf(deps, handle),
    clientId: client.clientId,
    wantedAcr: wantedAcr(undefined, client.require_acr),
    devicesCount: false,
    scopes,
    knownDevice: device,
  });
  await attempt(deps, ctx, { client, handle, scopes, credentials, device, prepared });
}

async function proveFactor(deps: Deps, ctx: Context): Promise<void> {
  const body = await readJson(ctx, deps.requests.factor);
  const client = await getCaller(deps, ctx, body);
  const credentials = codesIn(deps, body);
  if (credentials.length === 0) {
    throw invalid(`${membersOf(deps.factors).join(', ')}: one of them is missing`);
  }
  const { facts } = await getFlow(deps, client, body.session_id);
  const { scopes = [], knownDevice: device } = facts;
  await attempt(deps, ctx, { client, handle: body.session_id, scopes, credentials, device });
}

async function challenge(deps: Deps, ctx: Context): Promise<void> {
  const body = await readJson(ctx, deps.requests.challenge);
  const flow = await getFlow(deps, await getCaller(deps, ctx, body), body.session_id);
  const factor = deps.factors.find(
    (each) => each.challenge?.sending && flow.facts.enrolled.includes(each.name),
  );
  const outcome = factor && (await deps.sendChallenge(flow, factor));
  if (outcome?.kind === 'limited') throw tooMany(outcome);
  if (outcome?.kind !== 'sent') throw invalid('session_id: no code can be sent to this account');
  ctx.status = 202;
  ctx.body = {};
}

async function attempt(deps: Deps, ctx: Context, given: Attempt): Promise<void> {
  const { client, handle, scopes, credentials, prepared } = given;
  const application = { clientId: client.clientId, device: given.device };
  let session: FirstPartySession | undefined;
  const target: SignInTarget = {
    session: undefined,
    requester: requesterOf(ctx, deps.requesterCookies, application),
    signedIn: async (login) => {
      session = await deps.firstPartySessions.open(login, client, scopes);
      return session.unit;
    },
    refused: () => [],
    admits: (account) => hasRole(account, client.require_role),
  };
  const key = keyOf(deps, handle);
  const outcome = await deps.signInFirstParty(key, credentials, target, prepared);
  if (outcome.kind !== 'signed-in') throw refusalFor(outcome, handle, deps);
  if (!session) throw GONE;
  const tokens = tokensInJson(await redeem(deps, ctx, client, session));
  ctx.body = { ...tokens, device_token: outcome.deviceToken };
}

/** Nobody knows of a session without tokens but the account page, where it must not stand. */
async function redeem(
  { firstPartyTokens, firstPartySessions }: Deps,
  ctx: Context,
  { clientId }: AuthenticatedClient,
  session: FirstPartySession,
) {
  try {
    const tokens = await firstPartyTokens.redeem(ctx, clientId, session.code);
    // The account, the client or the session has ended since: a moment ago.
    if (!tokens) throw GONE;
    return tokens;
  } catch (error) {
    // Where the database is away there is nothing else to be done.
    await firstPartySessions.withdraw(session).catch(() => undefined);
    throw error;
  }
}

function keyOf({ vault }: Deps, handle: string): string {
  return vault.digest('direct-sign-in', handle);
}

async function getCaller(
  { findCaller, firstPartySessions, issuer }: Deps,
  ctx: Context,
  given: Parameters<FindCaller>[1],
): Promise<AuthenticatedClient> {
  const client = await findCaller(ctx, given);
  if (firstPartySessions.isFor(client)) return client;
  const description = `This application may not ask for tokens of ${issuer}/api.`;
  throw new ApiError(403, 'client_not_allowed', description);
}

async function getFlow(
  deps: Deps,
  { clientId }: AuthenticatedClient,
  handle: string,
): Promise<Flow> {
  const found = await deps.flows.find(keyOf(deps, handle));
  if (found?.kind !== 'open' || found.flow.row.clientId !== clientId) throw GONE;
  return found.flow;
}

function scopesOf(
  { firstPartySessions }: Deps,
  client: AuthenticatedClient,
  asked: string | undefined,
): readonly string[] {
  const scopes = firstPartySessions.scopesOf(client, asked);
  if (!('unknown' in scopes)) return scopes;
  const description = `scope: "${scopes.unknown}" is not there for this application`;
  throw new ApiError(400, 'invalid_scope', description);
}

function codesIn({ factors }: Deps, body: Body): CredentialInput[] {
  const given = factors.filter(({ member }) => member && body[member] !== undefined);
  if (given.length > 1) throw invalid(`${membersOf(given).join(', ')}: send one of them`);
  return given.map((factor) => credentialOf(factor, { code: body[factor.member ?? ''] }));
}

function membersOf(factors: readonly Factor[]): string[] {
  return factors.flatMap(({ member }) => member ?? []);
}

function credentialOf(factor: Factor, given: Body): CredentialInput {
  const input = factor.input.safeParse(given);
  if (input.success) return { factor, input: input.data };
  throw invalid(`${String(input.error.issues[0]?.path[0])}: cannot be one`);
}

/** An application brings no cookies: what stands in its request is nobody's browser. */
function requesterOf(
  ctx: Context,
  requesterCookies: RequesterCookies,
  application: CallingApplication,
): Requester {
  const { address, userAgent } = requesterCookies.of(ctx);
  return { address, userAgent, browser: undefined, devices: new Map(), application };
}

function invalid(description: string): ApiError {
  return new ApiError(400, 'invalid_request', description);
}
