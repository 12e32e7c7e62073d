// Writes the page of all options: node src/config/reference.ts > docs/configuration.md
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PROJECT_ROOT } from '../lib/root.ts';
import { schema } from './schema.ts';

/** What the page needs of JSON Schema, into which zod writes our own. */
interface Node {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

interface Option {
  readonly path: string;
  readonly node: Node;
}

interface Explained {
  /** Environment variables that set the option. */
  readonly variables: readonly string[];
  readonly meaning: string;
}

const ELSEWHERE = ['development', 'test', 'production'];

/** What the schema cannot say: defaults that are worked out, and what a mere name leaves open. */
const REMARKS: Readonly<Record<string, string>> = {
  env: 'Which of the files above is read: `development` when unset.',
  issuer: 'Outside production `http://localhost:PORT` when unset; production needs an https one.',
  data_dir: 'A relative path starts at the working directory.',
  test_clock: 'Refused in production, and on an issuer that is not this machine.',
  secret: 'Outside production made at the first start, in `DATA_DIR/secret`; production needs one.',
  trusted_proxies: 'Addresses and ranges; from anybody else the header is not read.',
  log_level: 'How much is logged, as JSON lines on standard error.',
  'demo.port': 'The port of the demo relying party.',
  'mail.smtp_url': 'Without one each mail becomes a file in `DATA_DIR/outbox`.',
  'mail.from': '`no-reply@` the host of `issuer` when unset.',
  'sms.webhook_url':
    'Without one no text messages are offered; outside production they become files in `DATA_DIR/outbox`.',
};

export function configurationReference(): string {
  const root = z.toJSONSchema(schema, { io: 'input' }) as Node;
  const options = optionsOf(root, '');
  const plain = options.filter(({ node }) => !isSection(node));
  const sections = options.filter(({ node }) => isSection(node));
  return [head(), '## General', table(plain), ...sections.flatMap(section)]
    .join('\n\n')
    .concat('\n');
}

function optionsOf({ properties = {} }: Node, parent: string): Option[] {
  return Object.entries(properties).map(([name, node]) => ({ path: `${parent}${name}`, node }));
}

function isSection({ properties, items }: Node): boolean {
  return properties !== undefined || items?.properties !== undefined;
}

/** A section, and those within it. */
function section({ path, node }: Option): string[] {
  const { variables, meaning } = explain(path, node);
  const { items } = node;
  const all = items ? optionsOf(items, '') : optionsOf(node, `${path}.`);
  const fields = all.filter((field) => !isSection(field.node));
  const inner = all.filter((field) => isSection(field.node)).flatMap(section);
  if (fields.length === 0) return inner;
  const list = items ? [`A list, empty by default. Each entry:`] : [];
  const intro = [meaning, ...variables.map(code), ...list].filter(Boolean);
  return [
    `## \`${path}\``,
    ...(intro.length > 0 ? [intro.join(' ')] : []),
    table(fields),
    ...inner,
  ];
}

function table(options: readonly Option[]): string {
  const rows = options.map(({ path, node }) => {
    const { variables, meaning } = explain(path, node);
    return [
      code(path),
      variables.map(code).join(', '),
      meaning,
      values(node),
      defaults(path, node),
    ];
  });
  const names = ['Option', 'Variable', 'Meaning', 'Values', 'Default'];
  return [names, names.map(() => '---'), ...rows].map(row).join('\n');
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`.replace(/ {2,}/g, ' ');
const code = (text: string) => `\`${text}\``;

/** Descriptions of options that a variable sets begin with its name. */
function explain(path: string, { description = '' }: Node): Explained {
  const [, names = '', rest = ''] = /^((?:[A-Z_]{4,}(?: or )?)*)(?:=1)?(?:: )?(.*)$/.exec(
    description,
  ) as RegExpExecArray;
  const sentences = [sentence(rest), REMARKS[path]].filter(Boolean);
  return { variables: names.split(' or ').filter(Boolean), meaning: sentences.join(' ') };
}

function sentence(text: string): string {
  const [first = ''] = text;
  return text && `${first.toUpperCase()}${text.slice(1)}.`;
}

function values(node: Node): string {
  if (node.enum) return node.enum.map(code).join(', ');
  if (node.type === 'boolean') return '`true`, `false`';
  if (node.type === 'integer') return `${node.minimum} to ${node.maximum}`;
  if (node.type === 'array') return 'list';
  if (node.type === 'object') return 'object';
  return `${node.format === 'uri' ? 'URL' : 'text'}${lengthOf(node)}`;
}

function lengthOf({ minLength = 0, maxLength }: Node): string {
  if (maxLength !== undefined) return `, at most ${maxLength} characters`;
  return minLength > 1 ? `, at least ${minLength} characters` : '';
}

function defaults(path: string, node: Node): string {
  const usual = lookUp('default', path) ?? node.default;
  const others = ELSEWHERE.flatMap((name) => {
    const value = lookUp(name, path);
    return value === undefined ? [] : [`${name}: ${show(value, node)}`];
  });
  return [...(usual === undefined ? [] : [show(usual, node)]), ...others].join('; ');
}

function show(value: unknown, { description = '' }: Node): string {
  const isTime = typeof value === 'number' && description.endsWith('in seconds');
  return `${code(JSON.stringify(value))}${isTime ? describe(value) : ''}`;
}

function describe(seconds: number): string {
  const units = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ] as const;
  const [size, name] = units.find(([each]) => seconds % each === 0) ?? [0, ''];
  const count = seconds / size;
  return size === 0 ? '' : ` (${count} ${name}${count === 1 ? '' : 's'})`;
}

/** The value that a file of `config/` gives to an option. */
function lookUp(file: string, path: string): unknown {
  const text = readFileSync(join(PROJECT_ROOT, 'config', `${file}.json`), 'utf8');
  const inside = (tree: unknown, name: string) => (tree as Record<string, unknown>)?.[name];
  return path.split('.').reduce<unknown>(inside, JSON.parse(text));
}

function head(): string {
  return `<!-- Written by \`node src/config/reference.ts > docs/configuration.md\`: change the schema. -->

# Configuration

Options come from four places. Each one overrides those before it, key by key; lists are replaced
as a whole.

1. \`config/default.json\`: the defaults.
2. \`config/development.json\`, \`config/test.json\` or \`config/production.json\`, after \`NODE_ENV\`.
3. The JSON file that \`GATEHOUSE_CONFIG\` names, if it is set: the place for your own settings.
4. Environment variables.

A start reports every mistake at once and does not go on: unknown keys, values out of range, and
options that contradict each other. An empty variable counts as unset.

\`\`\`json
{
  "product": { "name": "Example ID" },
  "support": { "contact": "help@example.com" },
  "resources": [
    { "identifier": "https://api.example.com", "scopes": ["orders:read", "orders:write"] }
  ]
}
\`\`\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(configurationReference());
}
