// The vault: what is sealed opens for its key and its context alone.
import { expect } from 'chai';
import fc from 'fast-check';
import { isGatehouseError } from '../../src/lib/errors.ts';
import { createVault, safeEqual } from '../../src/lib/vault.ts';

const KEY = 'a-master-key-of-more-than-32-characters';
const vault = createVault(KEY);
const other = createVault(`${KEY}!`);

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return isGatehouseError(error) ? error.code : `unexpected: ${error}`;
  }
  return 'nothing thrown';
}

const anyText = fc.string({ unit: 'binary', maxLength: 200 });

describe('vault', () => {
  it('opens what it has sealed, and seals it differently each time', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, context) => {
        const sealed = vault.seal(text, context);
        expect(vault.open(sealed, context)).to.equal(text);
        expect(vault.seal(text, context)).not.to.equal(sealed);
        expect(sealed).to.match(/^[\w-]{8}\.[\w-]+$/);
      }),
    );
  });

  it('opens with the same key in another process', () => {
    expect(createVault(KEY).open(vault.seal('text', 'here'), 'here')).to.equal('text');
  });

  it('opens nothing in another context', () => {
    fc.assert(
      fc.property(anyText, anyText, (context, elsewhere) => {
        fc.pre(!Buffer.from(context).equals(Buffer.from(elsewhere)));
        const sealed = vault.seal('text', context);
        expect(codeOf(() => vault.open(sealed, elsewhere))).to.equal('sealed_value_damaged');
      }),
    );
  });

  it('opens nothing in which one bit was flipped, wherever', () => {
    const sealed = vault.seal('a TOTP secret', 'account');
    const [name = '', text = ''] = sealed.split('.');
    const bytes = Buffer.from(text, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const damaged = `${name}.${flipped.toString('base64url')}`;
      expect(codeOf(() => vault.open(damaged, 'account'))).to.equal('sealed_value_damaged');
    }
  });

  it('opens nothing with letters that the decoder would skip', () => {
    const sealed = vault.seal('a secret', 'account');
    const spare = [`${sealed}=`, `${sealed} `, `${sealed}A`, `${sealed}!`, `${sealed}\n`];
    for (const added of spare) {
      expect(
        codeOf(() => vault.open(added, 'account')),
        added,
      ).to.equal('sealed_value_damaged');
    }
  });

  it('says of another key that it is another key', () => {
    const sealed = other.seal('text', 'here');
    expect(codeOf(() => vault.open(sealed, 'here'))).to.equal('sealed_with_other_key');
    // With the name of the right key written over it, it still does not open.
    const renamed = sealed.replace(other.keyId, vault.keyId);
    expect(codeOf(() => vault.open(renamed, 'here'))).to.equal('sealed_value_damaged');
  });

  it('answers anything at all with one of its two errors', () => {
    const rest = fc.oneof(anyText, fc.base64String(), fc.constant(''));
    fc.assert(
      fc.property(fc.boolean(), rest, (isOurs, text) => {
        const sealed = isOurs ? `${vault.keyId}.${text}` : text;
        const code = codeOf(() => vault.open(sealed, 'here'));
        expect(code).to.equal(isOurs ? 'sealed_value_damaged' : 'sealed_with_other_key');
      }),
    );
  });

  it('refuses a tag that was cut short', () => {
    const sealed = vault.seal('', 'here');
    const bytes = Buffer.from(sealed.slice(9), 'base64url');
    for (const length of [0, 4, 12, 13, 16, 24, 27]) {
      const cut = `${vault.keyId}.${bytes.subarray(0, length).toString('base64url')}`;
      expect(
        codeOf(() => vault.open(cut, 'here')),
        `${length}`,
      ).to.equal('sealed_value_damaged');
    }
    // AES-GCM itself would take a tag of four bytes, and one of those is soon guessed.
    const short = `${vault.keyId}.${bytes.subarray(0, 4).toString('base64url')}`;
    expect(() => vault.open(short, 'here'))
      .to.throw()
      .with.nested.property('cause.message')
      .that.matches(/tag length/i);
  });

  it('makes digests that hang on key, purpose and value', () => {
    fc.assert(
      fc.property(anyText, anyText, (purpose, value) => {
        const digest = vault.digest(purpose, value);
        expect(digest).to.match(/^[\w-]{43}$/);
        expect(createVault(KEY).digest(purpose, value)).to.equal(digest);
        expect(vault.matches(purpose, value, digest)).to.equal(true);
        expect(other.digest(purpose, value)).not.to.equal(digest);
        expect(vault.digest(`${purpose}x`, value)).not.to.equal(digest);
        expect(vault.matches(purpose, `${value}x`, digest)).to.equal(false);
        expect(vault.matches(purpose, value, digest.slice(1))).to.equal(false);
        expect(vault.matches(purpose, value, '')).to.equal(false);
      }),
    );
  });

  it('gives each use a key of its own', () => {
    expect(vault.cookieKeys).to.have.length.greaterThan(0);
    for (const key of vault.cookieKeys) {
      expect(key).to.match(/^[\w-]{43}$/);
      expect(other.cookieKeys).not.to.include(key);
      expect(key).not.to.include(vault.keyId);
    }
    expect(vault.keyId).not.to.equal(other.keyId);
  });

  it('compares texts of any lengths', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(safeEqual(a, a)).to.equal(true);
        expect(safeEqual(a, b)).to.equal(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });
});
