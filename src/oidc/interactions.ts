// Authorization requests that wait for a person, as the sign-in pages see them.
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { AdapterPayload } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { personScopes } from '../domain/attributes/attributes.ts';
import { allResources } from '../domain/clients/resources.ts';
import type { Granted } from '../domain/consents/consents.ts';
import type { Acr, Wanted } from '../domain/sessions/assurance.ts';
import { now, nowSeconds } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { noteInRequest } from '../lib/request-context.ts';
import type { Vault } from '../lib/vault.ts';
import type { ArtifactTable } from '../store/artifacts.ts';
import type { Statement } from '../store/statement.ts';
import { mayAskForClaim } from './allowed-scopes.ts';
import { artifactKey, toStored } from './artifacts.ts';
import { type Binding, type BrowserBinding, SETTLING } from './browser-binding.ts';
import type { ClientExtras } from './client-extras.ts';
import { type ClientOnPage, clientOnPage } from './pages/client-on-page.ts';
import { mayAnswer } from './redirect-uris.ts';
import {
  type ClientModel,
  type InteractionModel,
  type LoginResult,
  loginIn,
  type SessionModel,
} from './types.ts';
import { wantedBy } from './wanted-acr.ts';

export type { Acr, LoginResult };

export interface Interaction {
  readonly uid: string;
  /** Keyed hash of the uid, by which our rows refer to it. */
  readonly key: string;
  /** Binds the tokens of its forms to this sign-in in this browser. */
  readonly formBinding: string;
  readonly clientId: string;
  readonly client: ClientOnPage;
  readonly prompt: 'login' | 'consent' | 'select_account' | 'access';
  /** Where oidc-provider resumes once there is a result. */
  readonly returnTo: string;
  readonly loginHint: string | undefined;
  readonly wantedAcr: Wanted;
  /** Whether a trusted device replaces the second factor. */
  readonly devicesCount: boolean;
  /** The signed-in person, if the session lacks nothing but assurance. */
  readonly stepUp: StepUp | undefined;
  /** Everything that the request asks for. */
  readonly requested: Granted;
  /** The person who is asked for consent: of the session, or of the sign-in that has just ended. */
  readonly accountId: string | undefined;
  /**
   * Ends it with a signed-in person. As with the other answers, the unit fails if it was
   * answered before.
   */
  signedIn(login: LoginResult, otherPerson: boolean): Statement;
  /** Ends it with the choice of the signed-in account. */
  selected(): Statement;
  /** Ends it with a consent. */
  consented(): Statement;
  /** Ends it with an OAuth error for the relying party. */
  refused(error: string, description: string): Statement;
  /**
   * Turns a question to the signed-in person into a sign-in for anybody. Fails the unit if the row
   * is gone or given up.
   */
  asSignIn(): Statement;
}

export interface StepUp {
  readonly accountId: string;
  readonly generation: number;
  /** Milliseconds: when the password was proved. */
  readonly provedAt: number;
}

export type FoundInteraction =
  | { readonly kind: 'found'; readonly interaction: Interaction }
  | { readonly kind: 'other-browser' }
  /**
   * The browser sent several requests simultaneously without a cookie, and another one's cookie
   * won. The address repeats this request.
   */
  | { readonly kind: 'overtaken'; readonly again: string }
  /** Given up for newer ones of the same browser. */
  | { readonly kind: 'given-up'; readonly clientId: string }
  | { readonly kind: 'gone' };

export interface Interactions {
  find(ctx: Context, uid: string): Promise<FoundInteraction>;
  keyOf(uid: string): string;
}

export interface InteractionNeeds {
  readonly config: Config;
  readonly vault: Vault;
  readonly artifactTable: ArtifactTable;
  readonly provider: () => Provider;
  readonly browserBinding: BrowserBinding;
}

const MODEL = 'Interaction';

export function createInteractions(needs: InteractionNeeds): Interactions {
  const { vault } = needs;
  const keyOf = (uid: string) => artifactKey(vault, MODEL, uid);

  const find = async (ctx: Context, uid: string): Promise<FoundInteraction> => {
    const provider = needs.provider();
    const model = await provider.Interaction.find(uid);
    if (!model) return { kind: 'gone' };
    const { browserKey, consumed } = model;
    const row = { browserKey, isGivenUp: consumed !== undefined };
    const binding = needs.browserBinding.check(ctx, row);
    if (binding !== 'own') return notHere(ctx, model, binding);
    const session = await sessionOf(model, provider);
    if (hasSessionMoved(model, session)) return { kind: 'gone' };
    const client = await provider.Client.find(clientIdOf(model));
    if (!client || !mayAnswer(client, model.params.redirect_uri)) return { kind: 'gone' };
    if (client.disabled) throw new GatehouseError('client_disabled');
    const interaction = toInteraction(model, { client, session }, needs);
    if (interaction.prompt === 'consent') noteConsent(model, interaction);
    return { kind: 'found', interaction };
  };

  const notHere = (
    ctx: Context,
    model: InteractionModel,
    binding: Exclude<Binding, 'own'>,
  ): FoundInteraction => {
    if (binding === 'unbound') return { kind: 'gone' };
    if (binding === 'given-up') return { kind: 'given-up', clientId: clientIdOf(model) };
    const isOvertaken = needs.browserBinding.hasCookie(ctx) && mayBeginAgain(model);
    if (!isOvertaken) return { kind: 'other-browser' };
    return { kind: 'overtaken', again: requestUrl(model, needs.provider()) };
  };

  return { find, keyOf };
}

/** Makes oidc-provider store our fields, too. */
export function installInteractionModel(provider: Provider): void {
  const Model = provider.Interaction;
  const fields = [...Model.IN_PAYLOAD, 'browserKey', 'consumed', 'newBrowser'];
  Object.defineProperty(Model, 'IN_PAYLOAD', { get: () => fields });
}

const clientIdOf = ({ params }: InteractionModel) => String(params.client_id);

/** Only a request that anybody could have sent, and that nobody can have answered yet. */
function mayBeginAgain(model: InteractionModel): boolean {
  const { newBrowser, iat, session, lastSubmission, deviceCode, params } = model;
  if (!newBrowser || nowSeconds() - iat > SETTLING) return false;
  return !session && !lastSubmission && !deviceCode && params.id_token_hint === undefined;
}

const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:';

/** The address of the authorization request, as it was sent. */
function requestUrl({ params, parJti }: InteractionModel, provider: Provider): string {
  const { client_id } = params;
  const pushed = parJti ? { client_id, request_uri: `${REQUEST_URI}${parJti}` } : undefined;
  const url = new URL(provider.urlFor('authorization'));
  for (const [name, value] of Object.entries(pushed ?? params)) {
    for (const each of [value].flat()) url.searchParams.append(name, String(each));
  }
  return url.href;
}

/** Attributes a consent that follows a sign-in to that sign-in. */
function noteConsent({ lastSubmission }: InteractionModel, { accountId }: Interaction): void {
  noteInRequest({ flowId: loginIn(lastSubmission)?.flow, actor: accountId });
}

/** Whether the session that it started from has ended, or now belongs to somebody else. */
function hasSessionMoved(model: InteractionModel, session: SessionModel | undefined): boolean {
  return model.session?.uid !== undefined && session?.accountId !== model.session.accountId;
}

async function sessionOf(
  { session }: InteractionModel,
  provider: Provider,
): Promise<SessionModel | undefined> {
  return session?.uid ? provider.Session.findByUid(session.uid) : undefined;
}

/** The session for a step-up. It proves nothing if the first factor is due, too. */
function stepUpOf(
  { prompt: { name, reasons }, params }: InteractionModel,
  { accountId, generation, loginTs }: Partial<SessionModel> = {},
): StepUp | undefined {
  const lacksAssurance = name === 'login' && reasons.every((each) => each === 'assurance_too_low');
  if (!lacksAssurance || !accountId || !loginTs || generation === undefined) return undefined;
  // The session was recent enough for the request, but may have aged before the person came to the
  // page.
  if (params.max_age !== undefined && nowSeconds() - loginTs > Number(params.max_age)) {
    return undefined;
  }
  return { accountId, generation, provedAt: loginTs * 1000 };
}

interface Around {
  readonly client: ClientModel;
  readonly session: SessionModel | undefined;
}

function toInteraction(
  model: InteractionModel,
  { client, session: current }: Around,
  needs: InteractionNeeds,
): Interaction {
  const { params, session } = model;
  const key = artifactKey(needs.vault, MODEL, model.uid);
  const text = (name: string) => (typeof params[name] === 'string' ? params[name] : undefined);
  const stored = (change: Change) => storedWith(model, change, needs.vault);
  const answer = (change: Change) => needs.artifactTable.answer(MODEL, key, stored(change), now());
  const signedInAs = model.lastSubmission?.login?.accountId ?? session?.accountId;
  return {
    uid: model.uid,
    key,
    formBinding: `${model.uid}:${model.browserKey}`,
    clientId: clientIdOf(model),
    client: clientOnPage(client),
    prompt: promptOf(model),
    returnTo: model.returnTo,
    loginHint: text('login_hint'),
    wantedAcr: wantedBy(params, client),
    devicesCount: client.trusted_devices !== false,
    stepUp: stepUpOf(model, current),
    requested: requestedBy(params, client, needs.config),
    accountId: signedInAs,
    signedIn: (login, otherPerson) =>
      answer({
        result: { login: { ...login, amr: [...login.amr] }, select_account: {} },
        ...(otherPerson ? { session: undefined } : {}),
      }),
    selected: () => answer({ result: { ...model.lastSubmission, select_account: {} } }),
    consented: () => answer({ result: { ...model.lastSubmission, consent: {} } }),
    refused: (error, description) => answer({ result: { error, error_description: description } }),
    asSignIn: () => {
      const prompt = { name: 'login', reasons: ['other_account'], details: {} };
      return needs.artifactTable.ask(MODEL, key, stored({ prompt, result: undefined }));
    },
  };
}

function promptOf({ prompt: { name }, session }: InteractionModel): Interaction['prompt'] {
  if (name === 'consent' || name === 'access') return name;
  // Without a session, there is no account to choose.
  return name === 'select_account' && session?.accountId !== undefined ? 'select_account' : 'login';
}

function requestedBy(
  params: InteractionModel['params'],
  client: ClientExtras,
  config: Config,
): Granted {
  const asked = String(params.scope ?? '').split(' ');
  const named = [params.resource ?? []].flat().map(String);
  const resources = allResources(config)
    .filter(({ identifier }) => named.includes(identifier))
    .map(({ identifier, scopes }) => [identifier, scopes.filter((s) => asked.includes(s))]);
  return {
    scopes: asked.filter((scope) => personScopes(config).includes(scope)),
    claims: claimsIn(params.claims).filter((claim) => mayAskForClaim(client, claim, config)),
    resources: Object.fromEntries(resources),
  };
}

/** The claims that a `claims` parameter names. oidc-provider has validated it. */
function claimsIn(parameter: unknown): string[] {
  if (typeof parameter !== 'string') return [];
  const { userinfo = {}, id_token = {} } = JSON.parse(parameter);
  return [...new Set([...Object.keys(userinfo), ...Object.keys(id_token)])];
}

type Change = Pick<AdapterPayload, 'prompt' | 'result' | 'session'>;

/** The payload as the adapter stores it, with a change. */
function storedWith(model: InteractionModel, change: Change, vault: Vault) {
  return toStored(MODEL, { ...model, jti: model.jti, ...change }, vault);
}
