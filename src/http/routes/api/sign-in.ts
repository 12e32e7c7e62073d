// Signs people in for first-party applications: in one call, or in two with the code in the second.
import type { Context } from 'koa';
import { wantedAcr } from '../../../domain/assurance.ts';
import type { KnownBrowsers } from '../../../domain/known-browsers.ts';
import type { CallingApplication, Visitor } from '../../../domain/limits/visitor.ts';
import { randomId } from '../../../lib/ids.ts';
import type { Vault } from '../../../lib/vault.ts';
import type { Method } from '../../../methods/index.ts';
import type { AuthenticatedClient } from '../../../oidc/client-authentication.ts';
import type { DirectSession, DirectSessions } from '../../../oidc/direct-sessions.ts';
import type { DirectTokens } from '../../../oidc/direct-tokens.ts';
import type { SendChallenge } from '../../../signin/challenge.ts';
import type { Credential, SignInDirectly } from '../../../signin/direct.ts';
import type { Door } from '../../../signin/finish.ts';
import type { Flow, FlowsDomain } from '../../../signin/flow.ts';
import { readJson } from '../../json.ts';
import type { Visitors } from '../../visitors.ts';
import type { FindCaller } from './caller.ts';
import { GONE, type OutcomeNeeds, refusalFor } from './outcomes.ts';
import { Refusal, tooMany } from './refusal.ts';
import { requestsFor } from './requests.ts';
import { tokensInJson } from './tokens.ts';

export interface ApiSignInNeeds extends OutcomeNeeds {
  readonly vault: Vault;
  readonly flows: FlowsDomain;
  readonly visitors: Visitors;
  readonly knownBrowsers: KnownBrowsers;
  readonly findCaller: FindCaller;
  readonly directSessions: DirectSessions;
  readonly signInDirectly: SignInDirectly;
  readonly sendChallenge: SendChallenge;
  readonly directTokens: DirectTokens;
}

type Handler = (ctx: Context) => Promise<void>;
type Body = Readonly<Record<string, unknown>>;

interface Attempt {
  readonly client: AuthenticatedClient;
  /** What the application was told; the row knows its keyed hash alone. */
  readonly handle: string;
  readonly scopes: readonly string[];
  readonly credentials: readonly Credential[];
  /** The keyed hash of the `device_token` that the sign-in began with. */
  readonly device: string | undefined;
  /** Of a sign-in that begins. */
  readonly prepared?: Flow;
}

export function createApiSignIn(needs: ApiSignInNeeds) {
  const { methods, flows, directSessions } = needs;
  const requests = requestsFor(methods);
  const password = methods.find(({ step }) => step === 'sign-in') as Method;
  const keyOf = (handle: string) => needs.vault.digest('direct-sign-in', handle);

  const login: Handler = async (ctx) => {
    const body = await readJson(ctx, requests.login);
    const client = await getCaller(ctx, body);
    const scopes = scopesOf(client, body.scope);
    const credentials = [credentialOf(password, body), ...codesIn(body)];
    const handle = randomId(256);
    const { device_token: token } = body;
    const device = token && needs.knownBrowsers.deviceOf(client.clientId, token);
    const prepared = await flows.prepare({
      key: keyOf(handle),
      clientId: client.clientId,
      wantedAcr: wantedAcr(undefined, client.require_acr),
      devicesCount: false,
      scopes,
      knownDevice: device,
    });
    await attempt(ctx, { client, handle, scopes, credentials, device, prepared });
  };

  const factor: Handler = async (ctx) => {
    const body = await readJson(ctx, requests.factor);
    const client = await getCaller(ctx, body);
    const credentials = codesIn(body);
    if (credentials.length === 0) {
      throw invalid(`${membersOf(methods).join(', ')}: one of them is missing`);
    }
    const { facts } = await getFlow(client, body.session_id);
    const { scopes = [], knownDevice: device } = facts;
    await attempt(ctx, { client, handle: body.session_id, scopes, credentials, device });
  };

  const challenge: Handler = async (ctx) => {
    const body = await readJson(ctx, requests.challenge);
    const flow = await getFlow(await getCaller(ctx, body), body.session_id);
    const method = methods.find(
      (each) => each.challenge && flow.facts.enrolled.includes(each.name),
    );
    const outcome = method && (await needs.sendChallenge(flow, method));
    if (outcome?.kind === 'limited') throw tooMany(outcome);
    if (outcome?.kind !== 'sent') throw invalid('session_id: no code can be sent to this account');
    ctx.status = 202;
    ctx.body = {};
  };

  const getCaller: FindCaller = async (ctx, given) => {
    const client = await needs.findCaller(ctx, given);
    if (directSessions.isFor(client)) return client;
    const description = `This application may not ask for tokens of ${needs.issuer}/api.`;
    throw new Refusal(403, 'client_not_allowed', description);
  };

  const attempt = async (ctx: Context, { client, handle, scopes, ...given }: Attempt) => {
    const application = { clientId: client.clientId, device: given.device };
    let session: DirectSession | undefined;
    const door: Door = {
      session: undefined,
      visitor: visitorOf(ctx, needs.visitors, application),
      signedIn: async (login) => {
        session = await directSessions.open(login, client, scopes);
        return session.unit;
      },
      refused: () => [],
    };
    const { credentials, prepared } = given;
    const outcome = await needs.signInDirectly(keyOf(handle), credentials, door, prepared);
    if (outcome.kind !== 'signed-in') throw refusalFor(outcome, handle, needs);
    if (!session) throw GONE;
    const tokens = tokensInJson(await redeem(ctx, client, session));
    ctx.body = { ...tokens, device_token: outcome.deviceToken };
  };

  /** Nobody knows of a session without tokens but the account page, where it must not stand. */
  const redeem = async (
    ctx: Context,
    { clientId }: AuthenticatedClient,
    session: DirectSession,
  ) => {
    try {
      const tokens = await needs.directTokens.redeem(ctx, clientId, session.code);
      // The account, the client or the session has ended since: a moment ago.
      if (!tokens) throw GONE;
      return tokens;
    } catch (error) {
      // Where the database is away there is nothing else to be done.
      await directSessions.withdraw(session).catch(() => undefined);
      throw error;
    }
  };

  const getFlow = async ({ clientId }: AuthenticatedClient, handle: string): Promise<Flow> => {
    const found = await flows.find(keyOf(handle));
    if (found?.kind !== 'open' || found.flow.row.clientId !== clientId) throw GONE;
    return found.flow;
  };

  const scopesOf = (client: AuthenticatedClient, asked: string | undefined) => {
    const scopes = directSessions.scopesOf(client, asked);
    if (!('unknown' in scopes)) return scopes;
    const description = `scope: "${scopes.unknown}" is not there for this application`;
    throw new Refusal(400, 'invalid_scope', description);
  };

  const codesIn = (body: Body): Credential[] => {
    const given = methods.filter(({ member }) => member && body[member] !== undefined);
    if (given.length > 1) throw invalid(`${membersOf(given).join(', ')}: send one of them`);
    return given.map((method) => credentialOf(method, { code: body[method.member ?? ''] }));
  };

  return { login, factor, challenge };
}

function membersOf(methods: readonly Method[]): string[] {
  return methods.flatMap(({ member }) => member ?? []);
}

function credentialOf(method: Method, given: Body): Credential {
  const input = method.input.safeParse(given);
  if (input.success) return { method, input: input.data };
  throw invalid(`${String(input.error.issues[0]?.path[0])}: cannot be one`);
}

/** An application brings no cookies: what stands in its request is nobody's browser. */
function visitorOf(ctx: Context, visitors: Visitors, application: CallingApplication): Visitor {
  const { address, userAgent } = visitors.of(ctx);
  return { address, userAgent, browser: undefined, devices: new Map(), application };
}

function invalid(description: string): Refusal {
  return new Refusal(400, 'invalid_request', description);
}
