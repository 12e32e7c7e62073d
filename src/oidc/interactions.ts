// An authorization request that waits for a person, as the sign-in pages see it.
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { AdapterPayload } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { type Acr, type Wanted, wantedAcr } from '../domain/assurance.ts';
import type { Granted } from '../domain/consents.ts';
import { allResources, OIDC_SCOPES } from '../domain/resources.ts';
import { nowSeconds } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { noteInRequest } from '../lib/request-context.ts';
import type { Vault } from '../lib/vault.ts';
import type { Artifacts } from '../store/artifacts.ts';
import type { Statement } from '../store/statement.ts';
import { artifactKey, toStored } from './adapter.ts';
import { type ClientOnPage, clientOnPage } from './pages.ts';
import { mayAnswer } from './redirect-uris.ts';
import type { ClientExtras, InteractionModel, LoginResult, Result, SessionModel } from './types.ts';

export type { Acr, LoginResult };

export interface Interaction {
  readonly uid: string;
  /** Keyed hash of the uid: how rows of ours refer to it. */
  readonly key: string;
  readonly clientId: string;
  readonly client: ClientOnPage;
  readonly prompt: 'login' | 'consent';
  /** Where the library goes on, once there is a result. */
  readonly returnTo: string;
  readonly loginHint: string | undefined;
  readonly wantedAcr: Wanted;
  /** Whether a trusted device stands in for the second factor. */
  readonly devicesCount: boolean;
  /** Whoever is signed in already, where their session lacks nothing but assurance. */
  readonly stepUp: StepUp | undefined;
  /** Everything the request asks for. */
  readonly requested: Granted;
  /** Whose consent is asked: the session's, or of the sign-in that has just ended. */
  readonly accountId: string | undefined;
  /** Must hit: the interaction still waits. Ends it with a signed-in person. */
  signedIn(login: LoginResult, otherPerson: boolean): Statement;
  /** Must hit. Ends it with a consent. */
  consented(): Statement;
  /** Must hit. Ends it with an OAuth error for the relying party. */
  refused(error: string, description: string): Statement;
  /** Must hit. Turns a question for consent into a sign-in, for somebody else to answer. */
  asSignIn(): Statement;
}

export interface StepUp {
  readonly accountId: string;
  readonly generation: number;
  /** Milliseconds; when the password was proved. */
  readonly provedAt: number;
}

export type FoundInteraction =
  | { readonly kind: 'found'; readonly interaction: Interaction }
  /** There is one, but this browser does not hold its cookie. */
  | { readonly kind: 'cookie-missing' }
  | { readonly kind: 'gone' };

export interface Interactions {
  find(ctx: Context, uid: string): Promise<FoundInteraction>;
  keyOf(uid: string): string;
}

export interface InteractionNeeds {
  readonly config: Config;
  readonly vault: Vault;
  readonly artifacts: Artifacts;
  readonly provider: () => Provider;
}

const MODEL = 'Interaction';

export function createInteractions(needs: InteractionNeeds): Interactions {
  const { vault } = needs;
  const keyOf = (uid: string) => artifactKey(vault, MODEL, uid);

  const find = async (ctx: Context, uid: string): Promise<FoundInteraction> => {
    const provider = needs.provider();
    const found = await provider.Interaction.find(uid);
    const model = found as unknown as InteractionModel | undefined;
    const session = model && (await sessionOf(model, provider));
    if (!model || hasSessionMoved(model, session)) return { kind: 'gone' };
    const cookie = ctx.cookies.get(provider.cookieName('interaction'), { signed: true });
    if (cookie !== uid) return { kind: 'cookie-missing' };
    const client = await provider.Client.find(String(model.params.client_id));
    if (!client || !mayAnswer(client, model.params.redirect_uri)) return { kind: 'gone' };
    if ((client as ClientExtras).disabled) throw new GatehouseError('client_disabled');
    const interaction = toInteraction(model, { client, session }, needs);
    if (interaction.prompt === 'consent') noteConsent(model, interaction);
    return { kind: 'found', interaction };
  };

  return { find, keyOf };
}

/** A consent that follows a sign-in is part of it. */
function noteConsent({ lastSubmission }: InteractionModel, { accountId }: Interaction): void {
  noteInRequest({ flowId: lastSubmission?.login?.flow, actor: accountId });
}

/** The session it started from has ended, or is somebody else's now. */
function hasSessionMoved(model: InteractionModel, session: SessionModel | undefined): boolean {
  return model.session?.uid !== undefined && session?.accountId !== model.session.accountId;
}

async function sessionOf(
  { session }: InteractionModel,
  provider: Provider,
): Promise<SessionModel | undefined> {
  const found: unknown = session?.uid && (await provider.Session.findByUid(session.uid));
  return (found as SessionModel | undefined) || undefined;
}

/** Asked of the first factor, too, the session proves nothing. */
function stepUpOf(
  { prompt: { name, reasons }, params }: InteractionModel,
  { accountId, generation, loginTs }: Partial<SessionModel> = {},
): StepUp | undefined {
  const lacksAssurance = name === 'login' && reasons.every((each) => each === 'assurance_too_low');
  if (!lacksAssurance || !accountId || !loginTs || generation === undefined) return undefined;
  // Young enough when it was asked for, it may have grown old until somebody comes to the page.
  if (params.max_age !== undefined && nowSeconds() - loginTs > Number(params.max_age)) {
    return undefined;
  }
  return { accountId, generation, provedAt: loginTs * 1000 };
}

interface Around {
  readonly client: object;
  readonly session: SessionModel | undefined;
}

function toInteraction(
  model: InteractionModel,
  { client, session: current }: Around,
  needs: InteractionNeeds,
): Interaction {
  const { params, session } = model;
  const extras = client as ClientExtras;
  const key = artifactKey(needs.vault, MODEL, model.uid);
  const text = (name: string) => (typeof params[name] === 'string' ? params[name] : undefined);
  const replace = (change: Partial<InteractionModel>) =>
    needs.artifacts.replacePayload(MODEL, key, storedWith(model, change, needs.vault));
  const withResult = (result: Result) => replace({ result });
  const signedInAs = model.lastSubmission?.login?.accountId ?? session?.accountId;
  return {
    uid: model.uid,
    key,
    clientId: String(params.client_id),
    client: clientOnPage(client) as ClientOnPage,
    prompt: model.prompt.name === 'consent' ? 'consent' : 'login',
    returnTo: model.returnTo,
    loginHint: text('login_hint'),
    wantedAcr: wantedAcr(text('acr_values'), extras.require_acr),
    devicesCount: extras.trusted_devices !== false,
    stepUp: stepUpOf(model, current),
    requested: requestedBy(params, needs.config),
    accountId: signedInAs,
    signedIn: (login, otherPerson) =>
      replace({ result: { login }, ...(otherPerson ? { session: undefined } : {}) }),
    consented: () => withResult({ ...model.lastSubmission, consent: {} }),
    refused: (error, description) => withResult({ error, error_description: description }),
    asSignIn: () => replace({ prompt: { name: 'login', reasons: ['other_account'], details: {} } }),
  };
}

function requestedBy(params: InteractionModel['params'], config: Config): Granted {
  const asked = String(params.scope ?? '').split(' ');
  const named = [params.resource ?? []].flat().map(String);
  const resources = allResources(config)
    .filter(({ identifier }) => named.includes(identifier))
    .map(({ identifier, scopes }) => [identifier, scopes.filter((s) => asked.includes(s))]);
  return {
    scopes: asked.filter((scope) => OIDC_SCOPES.includes(scope)),
    claims: [],
    resources: Object.fromEntries(resources),
  };
}

/** As the adapter writes it, with a change. */
function storedWith(model: InteractionModel, change: Partial<InteractionModel>, vault: Vault) {
  const payload = { ...model, jti: model.jti, ...change } as unknown as AdapterPayload;
  return toStored(MODEL, payload, vault);
}
