// How many parameters a query or a form may have: counted before anything parses them.
import { GatehouseError } from '../lib/errors.ts';

const MOST = 100;

/** Throws `bad_request`. Empty ones count, too: parsers look at each. */
export function assertFewParameters(text: string | Buffer, where: 'address' | 'form'): void {
  let count = 1;
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', at + 1)) {
    count += 1;
    if (count > MOST) throw tooMany(where);
  }
}

function tooMany(where: string): GatehouseError {
  const message = `The ${where} has more than ${MOST} parameters. Send only those that are needed.`;
  return new GatehouseError('bad_request', { message });
}
