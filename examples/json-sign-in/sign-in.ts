// Signs a person in from a terminal, and keeps the session alive: a minute before the access token
// runs out a new one is fetched. Ctrl-C signs out. What makes this device known is kept for the next time.
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';

interface Answer {
  readonly token: string;
  readonly expires_in: number;
  readonly refreshToken: string;
  readonly session: { readonly expires_at: string };
  readonly device_token?: string;
  readonly error?: string;
  readonly error_description?: string;
  readonly session_id?: string;
  readonly factors?: readonly string[];
  readonly url?: string;
  readonly attempts_remaining?: number;
  readonly reset_at?: string;
}

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;
/** Seconds. */
const EARLY = 60;

async function call(path: string, body: object): Promise<Answer> {
  const authorization = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}`;
  const response = await fetch(`${ISSUER}/v1/auth/${path}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (response.status === 204 ? {} : await response.json()) as Answer;
}

/** Every refusal says what to do next. */
function explain({ error, error_description, ...answer }: Answer): string {
  const left = answer.attempts_remaining === undefined ? '' : ` ${answer.attempts_remaining} left.`;
  const until = answer.reset_at ? ` Starts again at ${answer.reset_at}.` : '';
  const page = answer.url ? ` ${answer.url}` : '';
  return `${error}: ${error_description}${page}${left}${until}`;
}

const { DEVICE_TOKENS = join(homedir(), '.gatehouse-device-tokens.json') } = process.env;

/** By address: a token is of one person. */
function deviceTokens(): Record<string, string> {
  try {
    return JSON.parse(readFileSync(DEVICE_TOKENS, 'utf8'));
  } catch {
    return {};
  }
}

function keepDeviceToken(email: string, token: string): void {
  const all = { ...deviceTokens(), [email]: token };
  writeFileSync(DEVICE_TOKENS, JSON.stringify(all), { mode: 0o600 });
}

const terminal = createInterface({ input: process.stdin, output: process.stderr });
const email = process.env.EMAIL ?? (await terminal.question('Email: '));
const password = process.env.PASSWORD ?? (await terminal.question('Password: '));

// Undefined at the first time: JSON leaves it out.
let answer = await call('login', { email, password, device_token: deviceTokens()[email] });
while (answer.session_id) {
  process.stderr.write(`${explain(answer)}\n`);
  const { session_id } = answer;
  answer = await call('mfa', { session_id, totp_code: await terminal.question('Code: ') });
}
if (answer.error) {
  process.stderr.write(`${explain(answer)}\n`);
  process.exit(1);
}

if (answer.device_token) keepDeviceToken(email, answer.device_token);

process.once('SIGINT', async () => {
  await call('logout', { refreshToken: answer.refreshToken });
  process.stderr.write('Signed out.\n');
  process.exit(0);
});

while (!answer.error) {
  process.stdout.write(`${answer.token}\n`);
  const { expires_in: seconds, session } = answer;
  process.stderr.write(`Good for ${seconds} s; the session ends at ${session.expires_at}.\n`);
  await sleep(Math.max(1, seconds - EARLY) * 1000);
  // Store the refresh token of each answer before anything else: it may be a new one.
  answer = await call('refresh', { refreshToken: answer.refreshToken });
}
process.stderr.write(`${explain(answer)}\n`);
process.exit(1);
