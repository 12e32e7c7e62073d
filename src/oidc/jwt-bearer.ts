// The grant jwt-bearer (RFC 7523, 2.1): a service account sends an assertion and gets a token.
import { type CanBePromise, errors } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import type { Audit, AuditEvent } from '../domain/audit/audit.ts';
import { currentRequest } from '../lib/request-context.ts';
import { createAssertions } from '../service-accounts/assertions.ts';
import type { ServiceAccount, ServiceAccountTable } from '../service-accounts/table.ts';
import {
  type AssertionRejected,
  ENDED_MEANWHILE,
  refused,
  type SpendingNeeds,
  spend,
  standing,
} from './assertion-spending.ts';
import { readAsked } from './jwt-bearer-request.ts';
import { ROUTES } from './routes.ts';
import {
  type JwtBearerRequest,
  jwtBearerOf,
  SERVICE_ACCOUNT_TOKEN,
  UNVERIFIED,
} from './service-account-client.ts';
import { createChooseTarget } from './service-account-target.ts';
import type { Ctx } from './types.ts';
import { oauthError, workOf } from './work.ts';

export { PARAMETERS } from './jwt-bearer-request.ts';

/**
 * Answers a request at the token endpoint.
 * @typeParam C the request's context, with what oidc-provider has read by then
 */
export type GrantHandler<C extends Ctx> = (ctx: C) => CanBePromise<void>;

export interface JwtBearerNeeds extends SpendingNeeds {
  readonly config: Config;
  readonly audit: Audit;
  readonly tables: SpendingNeeds['tables'] & {
    readonly serviceAccountTable: Pick<ServiceAccountTable, 'find' | 'findKey'>;
  };
}

/** @returns a function that makes the handler from the one for client credentials */
export function createJwtBearer(needs: JwtBearerNeeds) {
  const { serviceAccountTable } = needs.tables;
  const { verify } = createAssertions({
    audiences: audiencesOf(needs.config),
    serviceAccountTable,
  });
  const chooseTarget = createChooseTarget(needs.config);
  return <C extends Ctx>(issue: GrantHandler<C>): GrantHandler<C> =>
    async (ctx) => {
      const request = requestOf(ctx);
      const asked = readAsked(ctx);
      const verdict = await verify(asked.assertion, currentRequest().address);
      if (verdict.kind === 'refused') return refuse(verdict, verdict, needs);
      const { account, kid } = verdict;
      const who = { accountId: account.id, kid };
      const attempt = { ctx, request, asked, verdict, target: chooseTarget(account, asked) };
      const outcome = await spend(attempt, needs);
      if (outcome.kind === 'refused') return refuse(who, outcome, needs);
      await assume(ctx, request, who.accountId);
      Object.assign(ctx.oidc.params ?? {}, outcome.asks);
      await issueFor({ ...who, account }, ctx, () => issue(ctx), needs);
    };
}

function audiencesOf({ issuer }: Config): readonly string[] {
  return [issuer, `${issuer}${ROUTES.token}`, `${issuer}${SERVICE_ACCOUNT_TOKEN}`];
}

/** Throws for clients: even if the grant were registered for one, it has no account to act for. */
function requestOf(ctx: Ctx): JwtBearerRequest {
  const request = jwtBearerOf(ctx);
  if (request && ctx.oidc.client?.clientId === UNVERIFIED) return request;
  throw new errors.InvalidRequest('requested grant type is not allowed for this client');
}

interface Known {
  readonly accountId: string;
  readonly kid: string;
}

interface Issuing extends Known {
  readonly account: ServiceAccount;
}

type Who = { readonly [K in keyof Known]?: string | undefined };

async function refuse(who: Who, refusal: AssertionRejected, needs: JwtBearerNeeds) {
  await recordRefusal(who, refusal, needs);
  const { reason, error } = refusal;
  throw error ?? new errors.InvalidGrant(reason);
}

function recordRefusal(
  { accountId, kid }: Who,
  { reason, isCounted }: AssertionRejected,
  { audit }: JwtBearerNeeds,
): Promise<void> {
  const refused = { kind: 'service_account.token', outcome: 'refused', reason } as const;
  const event = { ...refused, accountId, detail: { kid } };
  return isCounted ? audit.write(event) : audit.fold(event);
}

/** Makes the request that of the account. */
async function assume(ctx: Ctx, request: JwtBearerRequest, accountId: string): Promise<void> {
  request.accountId = accountId;
  const client = await ctx.oidc.provider.Client.find(accountId);
  if (!client) throw new Error("a service account isn't a client");
  ctx.oidc.entity('Client', client);
}

const ENDED = oauthError('invalid_grant', 'grant request is invalid');

/**
 * Issues the token in one unit with a check of account and key, so that whatever ends them also
 * ends the token.
 */
async function issueFor(
  who: Issuing,
  ctx: Ctx,
  issue: () => CanBePromise<void>,
  needs: JwtBearerNeeds,
) {
  const items = workOf(ctx)?.items ?? [];
  const conflict = { ...ENDED, record: () => recordRefusal(who, refused(ENDED_MEANWHILE), needs) };
  for (const statement of standing(who.account, who.kid, needs.tables)) {
    items.push({ statement, conflict, revokes: false });
  }
  try {
    await issue();
  } catch (error) {
    if (!isExposed(error)) throw error;
    return refuse(who, refused(`no token: ${error.message}`, error), needs);
  }
  const statement = needs.audit.record(issued(who, ctx));
  items.push({ statement, conflict: undefined, revokes: false });
}

/** Whether the client may read the message. */
function isExposed(error: unknown): error is Error {
  return error instanceof Error && 'expose' in error && error.expose === true;
}

function issued({ accountId, kid }: Known, ctx: Ctx): AuditEvent {
  const { scope, aud, jkt } = ctx.oidc.entities.ClientCredentials ?? {};
  const detail = { kid, scope, resource: String(aud), jkt };
  return { kind: 'service_account.token', accountId, actor: accountId, detail };
}
