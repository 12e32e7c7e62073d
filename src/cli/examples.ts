// What each command looks like when it is typed: its `--help` ends with it.
import type { Command } from 'commander';

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  serve: ['serve', 'serve --no-demo'],
  migrate: ['migrate --status', 'migrate'],
  'account create': [
    'account create alex@example.com --name Alex',
    "printf '%s' 'Tavu7-Ripo3-Keld9' | gatehouse account create alex@example.com --password-stdin",
  ],
  'account import': ['account import people.ndjson --dry-run', 'account import people.ndjson'],
  'account update': [
    'account update alex@example.com --group staff berlin --set given_name=Alex locale=en-GB',
    "account update alex@example.com --email-verified true --reason 'saw the letter'",
  ],
  'account list': ['account list --json'],
  'account show': ['account show alex@example.com'],
  'account suspend': ["account suspend alex@example.com --reason 'laptop stolen' --ticket T-17"],
  'account activate': ["account activate alex@example.com --reason 'laptop found'"],
  'account unlock': ["account unlock alex@example.com --reason 'called us, is locked out'"],
  'account reset-2fa': ["account reset-2fa alex@example.com --reason 'lost the phone'"],
  'account reset-password': ["account reset-password alex@example.com --reason 'asked for it'"],
  'account delete': ["account delete alex@example.com --reason 'has left'"],
  'account allow-addresses': [
    "account allow-addresses alex@example.com 192.0.2.0/24 2001:db8::/32 --reason 'office only'",
    "account allow-addresses alex@example.com --any --reason 'works from home again'",
  ],
  'client create': [
    "client create --name 'My App' --redirect-uri https://app.example.com/callback",
    "client create --name 'Phone app' --public --redirect-uri com.example.app:/callback",
    "client create --name 'Nightly export' --grant client_credentials --scope orders:read",
  ],
  'client list': ['client list'],
  'client show': ['client show app_… --json'],
  'client update': ['client update app_… --redirect-uri https://new.example.com/callback'],
  'client rotate-secret': ['client rotate-secret app_… --overlap 7d'],
  'client disable': ['client disable app_…'],
  'client enable': ['client enable app_…'],
  'client delete': ['client delete app_…'],
  'service-account create': [
    'service-account create --name Deployments --key-file deployments.json',
    "service-account create --name Reports --scope 'orders:read' --resource https://api.example.com",
    'service-account create --name Backup --totp --public-jwk public.json --expires 90d',
  ],
  'service-account list': ['service-account list'],
  'service-account show': ['service-account show sa_…'],
  'service-account update': ["service-account update sa_… --scope 'orders:read orders:write'"],
  'service-account add-key': ['service-account add-key sa_… --key-file new.json --expires 90d'],
  'service-account revoke-key': ["service-account revoke-key sa_… KID --reason 'changed over'"],
  'service-account disable': ["service-account disable sa_… --reason 'not used any more'"],
  'service-account enable': ['service-account enable sa_…'],
  'service-account unlock': ['service-account unlock sa_…'],
  'service-account delete': ['service-account delete sa_…'],
  'service-account reset-totp': ['service-account reset-totp sa_…'],
  'keys list': ['keys list'],
  'keys rotate': ['keys rotate', 'keys rotate --compromised'],
  'audit tail': ['audit tail --limit 100 --account alex@example.com --kind sign_in.locked --json'],
  explain: ['explain alex@example.com', 'explain YJ3M83ZGE0'],
  doctor: ['doctor'],
};

/** Adds them, and says which options are not optional, to a command and all below it. */
export function exemplify(command: Command, path: readonly string[] = []): void {
  for (const option of command.options) {
    if (option.mandatory) option.description = `${option.description} (required)`;
  }
  const lines = EXAMPLES[path.join(' ')];
  if (lines) command.addHelpText('after', `\nFor example:\n${lines.map(typed).join('\n')}`);
  for (const each of command.commands) exemplify(each, [...path, each.name()]);
}

const typed = (line: string) => `  ${line.includes('gatehouse ') ? line : `gatehouse ${line}`}`;
