// A client, and the half-done visits that requests belong to.
import type { Core } from '../../src/app.ts';
import { REDIRECT_URI } from '../setup.ts';
import type { Answered, Ask } from './ask.ts';
import type { Known } from './doors.ts';

const HTML = { accept: 'text/html' };

export async function seed({ clients }: Core, ask: Ask): Promise<Known> {
  const shared = { redirect_uris: [REDIRECT_URI], first_party: true };
  const open = await clients.create({
    ...shared,
    client_name: 'Public',
    token_endpoint_auth_method: 'none',
    direct_sign_in: true,
    grant_types: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
  } as never);
  const closed = await clients.create({
    ...shared,
    client_name: 'Confidential',
    grant_types: ['authorization_code', 'client_credentials'],
  } as never);
  const get = (url: string, cookie = '') =>
    ask({ method: 'GET', url, headers: { ...HTML, ...(cookie ? { cookie } : {}) } });
  const query = new URLSearchParams({
    client_id: open.client.id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    code_challenge: 'a'.repeat(43),
    code_challenge_method: 'S256',
  });
  const begun = await get(`/authorize?${query}`);
  const path = new URL(String(begun.headers.location), 'http://localhost').pathname;
  const cookie = cookiesOf(begun);
  const forgot = await get('/forgot-password');
  const device = await get('/device');
  return {
    clientId: open.client.id,
    basic: `Basic ${btoa(`${closed.client.id}:${closed.secret}`)}`,
    signIn: { path, cookie, csrf: fieldOf(await get(path, cookie), 'csrf') },
    requester: { cookie: cookiesOf(forgot), csrf: fieldOf(forgot, 'csrf') },
    device: { cookie: cookiesOf(device), xsrf: fieldOf(device, 'xsrf') },
  };
}
function cookiesOf({ headers }: Answered): string {
  const set = [headers['set-cookie'] ?? []].flat().map(String);
  return set.map((each) => each.split(';')[0]).join('; ');
}

function fieldOf({ body, status }: Answered, name: string): string {
  const found = new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1];
  if (found === undefined) throw new Error(`no field ${name} on a page with status ${status}`);
  return found;
}
