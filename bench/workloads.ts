// The kinds of work that are measured, the same for both servers.
import { decodeProtectedHeader } from 'jose';
import type { Connection } from './connection.ts';
import { drive, type Job, type Sample } from './load.ts';
import type { Timing } from './plan.ts';
import { basic, expectOk, formRequest, getRequest, jsonOf, type Server } from './requests.ts';
import { APP, AT_ONCE, MACHINE, PEOPLE, type Person, RESOURCES, type Resource } from './setup.ts';
import { signIn, type Tokens } from './sign-in.ts';

/** A server, and the tokens that each of the people holds there. */
export interface Subject {
  readonly server: Server;
  readonly tokens: Tokens[];
}

export interface Workload {
  readonly name: string;
  readonly timing: 'requests' | 'signIns';
  /** Whether the people must have signed in before. */
  readonly needsTokens?: boolean;
  /** One turn; a line of the report for each name of {@link TITLES} in it. */
  run(subject: Subject, timing: Timing): Promise<Readonly<Record<string, Sample>>>;
}

export const TITLES: Readonly<Record<string, string>> = {
  discovery: 'discovery',
  userinfo: 'userinfo',
  introspection: 'introspection',
  refresh: 'refresh with rotation, RS256 ID token',
  opaque: 'machine token, opaque',
  rs256: 'machine token, JWT RS256',
  es256: 'machine token, JWT ES256',
  eddsa: 'machine token, JWT EdDSA',
  'sign-in': `whole sign-in, ${AT_ONCE} people at once`,
  'storm-before': 'storm: RS256 tokens before it',
  'storm-tokens': 'storm: RS256 tokens in it',
  'storm-people': 'storm: sign-ins beside them',
};

// What needs old tokens comes first: the bare provider's memory keeps the last thousand things.
export const WORKLOADS: readonly Workload[] = [
  simple('discovery', ({ server }) => discovery(server)),
  { ...simple('userinfo', userinfo), needsTokens: true },
  { ...simple('introspection', introspection), needsTokens: true },
  { ...simple('refresh', refresh), needsTokens: true },
  ...RESOURCES.map((each) => simple(nameOf(each), ({ server }) => machineToken(server, each))),
  { name: 'sign-in', timing: 'signIns', run: runSignIns },
  { name: 'storm', timing: 'signIns', run: runStorm },
];

const RS256 = RESOURCES[1];

function nameOf(resource: Resource): string {
  return resource.token_format === 'opaque' ? 'opaque' : resource.signing_alg.toLowerCase();
}

function simple(name: string, jobFor: (subject: Subject) => Job): Workload {
  return {
    name,
    timing: 'requests',
    run: async (subject, timing) => ({
      [name]: await drive(subject.server, { workers: AT_ONCE, ...timing }, jobFor(subject)),
    }),
  };
}

function discovery(server: Server): Job {
  const request = getRequest(server, '/.well-known/openid-configuration');
  return repeat(() => request, `${server.name} discovery`);
}

function userinfo({ server, tokens }: Subject): Job {
  const requests = tokens.map(({ access_token: token }) =>
    getRequest(server, '/userinfo', { Authorization: `Bearer ${token}` }),
  );
  return repeat((worker) => requests[worker] as string, `${server.name} userinfo`);
}

function introspection({ server, tokens }: Subject): Job {
  const requests = tokens.map(({ access_token: token }) =>
    formRequest(server, '/introspect', { token }, basic(APP)),
  );
  const what = `${server.name} introspection`;
  return async (connection, worker) => {
    const { active } = jsonOf(await connection.send(requests[worker] as string), what);
    if (active !== true) throw new Error(`${what}: the token is not active`);
  };
}

function machineToken(server: Server, resource: Resource): Job {
  const fields = {
    grant_type: 'client_credentials',
    scope: 'read',
    resource: resource.identifier,
  };
  const request = formRequest(server, '/token', fields, basic(MACHINE));
  const what = `${server.name} machine token`;
  let looked = false;
  return async (connection) => {
    const answer = expectOk(await connection.send(request), what);
    if (!looked) expectFormat(String(JSON.parse(answer.body.toString()).access_token), resource);
    looked = true;
  };
}

function expectFormat(token: string, resource: Resource): void {
  const alg = token.includes('.') ? decodeProtectedHeader(token).alg : undefined;
  const wanted = resource.token_format === 'jwt' ? resource.signing_alg : undefined;
  if (alg !== wanted) throw new Error(`a token of ${resource.identifier} is signed by ${alg}`);
}

/** Each connection has a chain of its own, and goes on where it stopped before. */
function refresh({ server, tokens }: Subject): Job {
  const what = `${server.name} refresh`;
  return async (connection, worker) => {
    const { refresh_token: token = '' } = tokens[worker] ?? {};
    const fields = { grant_type: 'refresh_token', refresh_token: token };
    const request = formRequest(server, '/token', fields, basic(APP));
    const next = jsonOf(await connection.send(request), what) as unknown as Tokens;
    if (next.refresh_token === token || !next.id_token) throw new Error(`${what}: no rotation`);
    tokens[worker] = next;
  };
}

function repeat(requestOf: (worker: number) => string, what: string): Job {
  return async (connection, worker) => {
    expectOk(await connection.send(requestOf(worker)), what);
  };
}

async function runSignIns({ server }: Subject, timing: Timing) {
  return { 'sign-in': await drive(server, { workers: AT_ONCE, ...timing }, signInJob(server)) };
}

function signInJob(server: Server): Job {
  return (connection: Connection, worker) => signIn(server, connection, PEOPLE[worker] as Person);
}

/** Machine tokens alone, then beside people who sign in without pause. */
async function runStorm({ server }: Subject, { warmUp, seconds }: Timing) {
  const tokens = machineToken(server, RS256);
  const calm = { workers: AT_ONCE, warmUp: warmUp / 4, seconds: seconds / 2 };
  const before = await drive(server, calm, tokens);
  const storm = { workers: AT_ONCE, warmUp, seconds };
  const [inIt, people] = await Promise.all([
    drive(server, storm, tokens),
    drive(server, storm, signInJob(server)),
  ]);
  const mixed = { serverCpu: Number.NaN, generatorCpu: Number.NaN };
  return {
    'storm-before': before,
    'storm-tokens': { ...inIt, ...mixed },
    'storm-people': { ...people, ...mixed },
  };
}
