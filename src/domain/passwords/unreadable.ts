// Why a hash is not taken in: one cause, the form that was seen and its figure, never the hash.
import type { HashFormat } from './formats/format.ts';
import { HASH_FORMATS, isWithin, MOST_TAKEN, readerOf } from './hash-formats.ts';

/** Words that systems write in front; anything else may be part of a password. */
const FORM =
  /^(?:\$[\w-]{1,20}\$|\{[\w-]{1,20}\}(?:\$[\w-]{1,20}\$)?|(?:argon2|bcrypt|md5|pbkdf2|scrypt|sha1|sha256|sha512)[\w:]{0,18}[$:])/i;

/** To be read after the name of the field. Undefined for a hash that is taken. */
export function whyUnreadable(hash: string): string | undefined {
  const reader = readerOf(hash);
  if (reader) return whyCostly(reader, hash);
  const seen = formSeen(hash);
  const form = HASH_FORMATS.find(({ begins }) => begins.test(hash));
  return form
    ? `is damaged (${form.name}, ${seen}), or has a parameter that is not known: export it again, or leave it out`
    : `has a form that is not known (${seen}): leave it out, or export another`;
}

const SECOND = 1000;
const MIB = 1024 * 1024;

function whyCostly({ name, cost }: HashFormat, hash: string): string | undefined {
  const found = cost(hash);
  if (isWithin(found, MOST_TAKEN)) return undefined;
  const figure =
    found.memory > MOST_TAKEN.memory
      ? `${figureOf(found.memory / MIB)} MiB, and ${MOST_TAKEN.memory / MIB} MiB is the most`
      : `about ${figureOf(found.milliseconds / SECOND)} s, and ${MOST_TAKEN.milliseconds / SECOND} s is the most`;
  return `has a cost that is out of range (${formSeen(hash)}, ${name} ${found.words}: ${figure}): leave it out`;
}

const LONG = 10;

function figureOf(value: number): string {
  return value < LONG ? String(Math.ceil(value * 10) / 10) : String(Math.ceil(value));
}

function formSeen(hash: string): string {
  const [form] = FORM.exec(hash) ?? [];
  if (form) return form;
  if (/^\{\s*["}]/.test(hash)) return jsonSeen(hash);
  if (/^[0-9a-f]{16,}$/i.test(hash)) return `${hash.length} hexadecimal digits`;
  if (/^[0-9a-f]+:[0-9a-f]+$/i.test(hash)) return 'two runs of hexadecimal digits';
  const isBase64 = hash.length > 20 && /^[A-Za-z0-9+/]+={0,2}$/.test(hash);
  return isBase64 ? `base64 of ${hash.length} characters` : 'nothing says which';
}

function jsonSeen(hash: string): string {
  const [, algorithm] = /\balgorithm\\?"\s*:\s*\\?"([\w-]{1,20})\\?"/.exec(hash) ?? [];
  return algorithm ? `JSON, algorithm ${algorithm}` : 'JSON';
}
