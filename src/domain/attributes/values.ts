// The values of attributes: what each type takes, in JSON and as it is typed at a command.
import { z } from 'zod';
import type { Attribute, AttributeType } from '../../config/standard-attributes.ts';
import { GatehouseError } from '../../lib/errors.ts';
import type { AttributeValues } from '../../store/accounts.ts';

const LONGEST = 2_000;
const MOST_ITEMS = 500;
/** PostgreSQL keeps neither NUL nor half a character. */
const text = z
  .string('must be text')
  .min(1, 'is empty: leave it out')
  .max(LONGEST, `is longer than ${LONGEST} characters`)
  .refine(
    (value) => !value.includes('\0') && value.isWellFormed(),
    'contains a NUL or half a character',
  );

const ADDRESS_PARTS = [
  'formatted',
  'street_address',
  'locality',
  'region',
  'postal_code',
  'country',
] as const;
const address = z.strictObject(
  Object.fromEntries(ADDRESS_PARTS.map((part) => [part, text.optional()])),
  { error: () => `must be an object of ${ADDRESS_PARTS.join(', ')}` },
);

const TYPES: Readonly<Record<AttributeType, z.ZodType>> = {
  string: text,
  url: text.and(
    z.url({ protocol: /^https?$/, error: 'must be an address that begins with https://' }),
  ),
  number: z.number('must be a number').finite(),
  boolean: z.boolean('must be true or false'),
  list: z
    .array(text, 'must be a list of texts')
    .max(MOST_ITEMS, `has more than ${MOST_ITEMS} items`)
    .transform((items) => [...new Set(items)]),
  // OpenID Connect Core 1.0, 5.1: a year alone is a birthdate, too; so is one without a year.
  date: text.refine(
    (value) =>
      /^\d{4}$/.test(value) || z.iso.date().safeParse(value.replace(/^0000/, '2000')).success,
    'must be a date such as 1990-12-31, or a year',
  ),
  address,
};

export interface AttributeFlaw {
  readonly name: string;
  readonly message: string;
}

export type ReadValues =
  | { readonly kind: 'values'; readonly values: AttributeValues }
  | { readonly kind: 'wrong'; readonly flaws: readonly AttributeFlaw[] };

/** Reads values as JSON has them. Null, the empty text and the empty list say nothing. */
export function readValues(
  attributes: readonly Attribute[],
  given: Readonly<Record<string, unknown>>,
): ReadValues {
  const flaws: AttributeFlaw[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (saysNothing(value)) continue;
    const attribute = attributes.find((each) => each.name === name);
    const read = attribute && TYPES[attribute.type].safeParse(value);
    if (!read)
      flaws.push({ name, message: 'is not an attribute: see `attributes` in the configuration' });
    else if (read.success) values[name] = read.data;
    else flaws.push({ name, message: read.error.issues[0]?.message ?? 'is not valid' });
  }
  return flaws.length > 0 ? { kind: 'wrong', flaws } : { kind: 'values', values };
}

function saysNothing(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  );
}

/**
 * Reads `NAME=VALUE` of a command. A list takes its items between commas; an address takes JSON, or
 * the text that stands on an envelope.
 * @throws `invalid_input`, which names the attribute
 */
export function readTyped(attributes: readonly Attribute[], typed: string): AttributeValues {
  const at = typed.indexOf('=');
  if (at < 1) throw refusal(`"${typed}" is not NAME=VALUE.`);
  const name = typed.slice(0, at);
  const attribute = attributes.find((each) => each.name === name);
  if (!attribute) {
    const known = attributes.map((each) => each.name).join(', ');
    throw refusal(`There is no attribute "${name}". There are: ${known}.`);
  }
  const read = readValues(attributes, { [name]: toJson(attribute.type, typed.slice(at + 1)) });
  if (read.kind === 'values') return read.values;
  throw refusal(`${name} ${read.flaws[0]?.message}.`);
}

function toJson(type: AttributeType, value: string): unknown {
  switch (type) {
    case 'number':
      return value.trim() === '' ? value : Number(value);
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value;
    case 'list':
      return value
        .split(',')
        .map((item) => item.trim())
        .filter(Boolean);
    case 'address':
      return value.trimStart().startsWith('{') ? parsed(value) : { formatted: value };
    default:
      return value;
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function refusal(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}
