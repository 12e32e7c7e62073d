// What is wrong, or risky, about registered clients.
import type { Config } from '../config/schema.ts';
import { personScopes } from '../domain/attributes/attributes.ts';
import { isPlainHttp, mistakeInRedirectUri } from '../domain/clients/redirect-uris.ts';
import { allResources } from '../domain/clients/resources.ts';
import { lookInside } from './core.ts';

type Metadata = Readonly<Record<string, unknown>>;

/** Risks that an operator may have chosen. */
export async function checkRisks(): Promise<string> {
  const risks = await lookInside(async ({ clients }) => {
    const found = { withoutPkce: 0, direct: 0, plain: 0 };
    for await (const { metadata } of clients.list()) {
      if (metadata.require_pkce === false) found.withoutPkce += 1;
      if (isOpenAtJson(metadata)) found.direct += 1;
      if (isToldInPlain(metadata)) found.plain += 1;
    }
    return describeRisks(found);
  });
  return risks ?? NONE;
}

const NONE = 'none registered yet';

/** Anybody may claim to be such an application, and ask people for their passwords. */
function isOpenAtJson({ token_endpoint_auth_method: method, direct_sign_in: direct }: Metadata) {
  return method === 'none' && direct === true;
}

function isToldInPlain({ redirect_uris: uris }: Metadata): boolean {
  return textsOf(uris).some(isPlainHttp);
}

type Risks = Readonly<Record<'withoutPkce' | 'direct' | 'plain', number>>;

function describeRisks({ withoutPkce, direct, plain }: Risks): string {
  const pkce = withoutPkce > 0 ? `${withoutPkce} without PKCE: an intercepted code is enough` : '';
  const json = direct > 0 ? `${direct} signing in over JSON without a proof of who they are` : '';
  const http = plain > 0 ? `${plain} with a redirect URI of plain http on another machine` : '';
  return [pkce || 'all use PKCE', json, http].filter(Boolean).join('; ');
}

/** A typing error in a registration shows only when a request is refused. */
export async function checkRegistrations(config: Config): Promise<string> {
  const resources = allResources(config);
  const identifiers = resources.map(({ identifier }) => identifier);
  const scopes = [...personScopes(config), ...resources.flatMap((each) => each.scopes)];
  const found = await lookInside(async ({ clients }) => {
    const wrong: string[] = [];
    const { default_client_id: usual } = config.api;
    let isThere = usual === '';
    for await (const { id, metadata } of clients.list()) {
      isThere ||= id === usual;
      const asked = typeof metadata.scope === 'string' ? metadata.scope.split(' ') : [];
      const unknown = [
        ...textsOf(metadata.resources).filter((each) => !identifiers.includes(each)),
        ...asked.filter((each) => !scopes.includes(each)),
      ];
      if (unknown.length > 0) {
        wrong.push(`${id} names ${unknown.join(', ')}: not in "resources" of the configuration`);
      }
      wrong.push(...deadAddresses(metadata).map((mistake) => `${id}: ${mistake}`));
    }
    if (!isThere) wrong.push(`api.default_client_id is "${usual}": no such client is registered`);
    if (wrong.length > 0) throw new Error(wrong.join('; '));
    return 'all use reachable addresses and configured resources and scopes';
  });
  return found ?? NONE;
}

/** Registered before they were refused. */
function deadAddresses(metadata: Metadata): string[] {
  const uris = [metadata.redirect_uris, metadata.post_logout_redirect_uris].flatMap(textsOf);
  return uris.flatMap((uri) => {
    const mistake = mistakeInRedirectUri(uri);
    return mistake ? [`"${uri}" ${mistake}`] : [];
  });
}

const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value : []);
