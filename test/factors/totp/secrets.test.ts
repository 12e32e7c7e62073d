// Secrets and their addresses as authenticator apps take them.
import { expect } from 'chai';
import { findFit } from '../../../src/factors/totp/codes.ts';
import {
  newSecret,
  otpauthUri,
  readExportedSecret,
  readOtpauth,
  readSecret,
} from '../../../src/factors/totp/secrets.ts';
import { codeFor } from '../../support/authenticator-app.ts';

const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('secrets of authenticators', () => {
  it('are read in lower case, with spaces, dashes and any padding', () => {
    const grouped = SECRET.replace(/(.{4})/g, '$1 ').toLowerCase();
    for (const text of [
      SECRET,
      grouped,
      `${SECRET}======`,
      `${SECRET}=`,
      grouped.replace(/ /g, '-'),
    ])
      expect(readSecret(text), text).to.equal(SECRET);
  });

  it('are read with spare bits and at any length, as apps do: what is left over means nothing', () => {
    // Ten bytes and three spare bits, which are set in the second.
    for (const [text, read] of [
      [`${'A'.repeat(16)}`, 'A'.repeat(16)],
      [`${'A'.repeat(17)}B`, `${'A'.repeat(18)}`],
      [`${'A'.repeat(17)}`, 'A'.repeat(16)],
      ['JBSWY3DPEHPK3PXQ7', 'JBSWY3DPEHPK3PXQ'],
      ['JBSWY3DPEHPK3PXQ77', 'JBSWY3DPEHPK3PXQ74'],
    ] as const) {
      expect(readSecret(text), text).to.equal(read);
      const at = 1_234_567_890_000;
      expect(findFit(read, codeFor(read, at), at, 0)?.distance).to.equal(0);
    }
    for (let round = 0; round < 50; round += 1) {
      const secret = newSecret();
      expect(readSecret(secret)).to.equal(secret);
    }
  });

  it('are nothing else', () => {
    for (const text of ['0123456789ABCDEF', 'ABC_DEF', 'ÄBCDEFGH', '%41']) {
      expect(readSecret(text), text).to.equal(undefined);
    }
  });
});

describe('secrets of an export', () => {
  it('are hexadecimal digits, too', () => {
    const hex = '3132333435363738393031323334353637383930';
    for (const text of [hex, hex.replace(/(....)/g, '$1 '), SECRET])
      expect(readExportedSecret(text), text).to.equal(SECRET);
    // Too few for digits of a secret, and no base32 either.
    expect(readExportedSecret('0123456789abcdef')).to.equal(undefined);
    expect(readExportedSecret('JBSWY3DPEHPK3PXP')).to.equal('JBSWY3DPEHPK3PXP');
  });

  it('are addresses of QR codes, which say how codes are made', () => {
    const read = (more: string, kind = 'totp') =>
      readOtpauth(`otpauth://${kind}/Old:ada?secret=${SECRET.toLowerCase()}${more}`);
    const ours = ['', '&algorithm=SHA1', '&algorithm=sha-1&digits=6&period=30', '&digits='];
    for (const more of ours)
      expect(read(more), more).to.deep.equal({ secret: SECRET, isOurs: true });
    for (const more of ['&algorithm=SHA256', '&algorithm=SHA512', '&digits=8', '&period=60'])
      expect(read(more), more).to.deep.equal({ secret: SECRET, isOurs: false });
    expect(read('', 'hotp')).to.include({ isOurs: false });
    expect(readOtpauth('otpauth://totp/a')).to.deep.equal({ secret: undefined, isOurs: true });
    expect(readOtpauth('https://example.com/?secret=A')).to.equal(undefined);
    expect(readOtpauth('otpauth://[')).to.equal(undefined);
  });
});

describe('the address in a QR code', () => {
  const parts = (product: string, account: string) => {
    const url = new URL(otpauthUri(product, account, SECRET));
    return { label: decodeURIComponent(url.pathname), issuer: url.searchParams.get('issuer') };
  };

  it('has one colon, whatever product and account are called', () => {
    expect(parts('Acme: Staff', 'ada@example.com')).to.deep.equal({
      label: '/Acme Staff:ada@example.com',
      issuer: 'Acme Staff',
    });
    expect(parts('A::B', 'nightly: build:2')).to.deep.equal({
      label: '/A B:nightly build 2',
      issuer: 'A B',
    });
  });

  it('encodes what else would end a part of it', () => {
    for (const name of ['R&D', 'a/b', 'a?b', 'a#b', 'a%3Ab', 'a+b', 'Ä ö', '東京']) {
      expect(parts(name, 'ada@example.com')).to.deep.equal({
        label: `/${name}:ada@example.com`,
        issuer: name,
      });
    }
  });
});
