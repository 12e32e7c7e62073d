// Reading an assertion: nothing makes it fail, and no two texts are read as one.
import { expect } from 'chai';
import fc from 'fast-check';
import { readAssertion } from '../../src/service-accounts/assertion-form.ts';

const encoded = (text: string) => Buffer.from(text).toString('base64url');
const HEADER = encoded('{"alg":"ES256","kid":"one"}');

describe('reading assertions', () => {
  it('answers any text, and anything in its parts', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), fc.string(), (one, other) => {
        for (const text of [one, `${one}.${other}.x`, `${HEADER}.${one}.${other}`]) {
          expect(readAssertion(text).kind).to.be.oneOf(['read', 'refused']);
        }
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (header, payload) => {
        const text = [header, payload].map((each) => encoded(JSON.stringify(each))).join('.');
        expect(readAssertion(`${text}.AAAA`).kind).to.equal('refused');
      }),
    );
  });

  it('reads one spelling alone of all that decode to the same', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const signature = fc.uint8Array({ minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(signature, fc.constantFrom(...alphabet), fc.nat(), (bytes, letter, at) => {
        const right = Buffer.from(bytes).toString('base64url');
        const place = at % right.length;
        const other = `${right.slice(0, place)}${letter}${right.slice(place + 1)}`;
        const isSame = Buffer.from(other, 'base64url').equals(Buffer.from(bytes));
        const read = (part: string) => readAssertion(`${HEADER}.${encoded('{}')}.${part}`).kind;
        expect(read(right)).to.equal('read');
        if (isSame && other !== right) expect(read(other)).to.equal('refused');
      }),
    );
  });
});
