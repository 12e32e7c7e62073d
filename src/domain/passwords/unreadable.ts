// Why a hash cannot be read: one cause, and the form that was seen, without the hash itself.
import { isReadableHash } from './legacy.ts';

/** The costs of each form, and some that nobody would refuse. */
const COSTS: ReadonlyArray<readonly [costs: RegExp, cheap: string]> = [
  [/m=\d+,t=\d+,p=\d+/, 'm=65536,t=2,p=1'],
  [/(?<=\$2[aby]\$)\d\d(?=\$)/, '10'],
  [/ln=\d+,r=\d+,p=\d+/, 'ln=10,r=8,p=1'],
  [/^scrypt\$\d+(?=\$)/, 'scrypt$1024'],
  [/(?<=^scrypt\$.*)\$\d+\$\d+(?=\$[^$]+$)/, '$8$1'],
  [/(?<=\bi=)\d+/, '1000'],
  [/(?<=^(?:\$pbkdf2(?:-\w+)?|pbkdf2_\w+)\$)\d+(?=\$)/, '1000'],
];

const KNOWN =
  /^(?:(?:argon2|bcrypt(?:_sha256)?\$)?\$(?:argon2(?:id|i|d)|2[aby])|\$scrypt|scrypt|\$pbkdf2(?:-sha(?:1|256|512))?|pbkdf2_sha(?:1|256|512))\$/;

/** Words that systems write in front; anything else may be part of a password. */
const FORM =
  /^(?:\$[\w-]{1,20}\$|\{[\w-]{1,20}\}|(?:argon2|bcrypt|md5|pbkdf2|scrypt|sha1|sha256|sha512)\w{0,12}[$:])/i;

/** To be read after the name of the field. Undefined for a hash that can be read. */
export function whyUnreadable(hash: string): string | undefined {
  if (isReadableHash(hash)) return undefined;
  const form = formSeen(hash);
  if (!KNOWN.test(hash))
    return `has a form that is not known (${form}): leave it out, or export another`;
  const cheap = COSTS.reduce(
    (text, [costs, replacement]) => text.replace(costs, replacement),
    hash,
  );
  return isReadableHash(cheap)
    ? `has a cost that is out of range (${form}): leave it out`
    : `is damaged (${form}): export it again, or leave it out`;
}

function formSeen(hash: string): string {
  const [form] = FORM.exec(hash) ?? [];
  if (form) return form;
  return /^[0-9a-f]{16,}$/i.test(hash) ? `${hash.length} hexadecimal digits` : 'nothing says which';
}
