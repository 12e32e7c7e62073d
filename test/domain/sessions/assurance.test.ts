// acr, amr and auth_time from proofs, and what acr_values ask for.
import { expect } from 'chai';
import fc from 'fast-check';
import {
  ACR,
  ACR_VALUES,
  assuranceOf,
  isAtLeast,
  type Proof,
  type Wanted,
  wantedAcr,
} from '../../../src/domain/sessions/assurance.ts';

const { password: PASSWORD, rememberedDevice: DEVICE, mfa: MFA } = ACR;

const password = (at: number): Proof => ({
  method: 'password',
  factor: 'knowledge',
  amr: ['pwd'],
  at,
});
const totp = (at: number): Proof => ({ method: 'totp', factor: 'possession', amr: ['otp'], at });
const sms = (at: number): Proof => ({ method: 'sms', factor: 'possession', amr: ['sms'], at });

describe('assurance', () => {
  describe('of proofs', () => {
    const rows: ReadonlyArray<readonly [Proof[], string, string[], number]> = [
      [[password(5)], PASSWORD, ['pwd'], 5],
      [[password(5), totp(9)], MFA, ['pwd', 'otp', 'mfa'], 9],
      [[totp(9), password(5)], MFA, ['otp', 'pwd', 'mfa'], 9],
      [[password(5), sms(7)], MFA, ['pwd', 'sms', 'mfa'], 7],
      [[password(5), password(6)], PASSWORD, ['pwd'], 6],
      [[password(5), totp(6), totp(7)], MFA, ['pwd', 'otp', 'mfa'], 7],
    ];
    for (const [proofs, acr, amr, authTime] of rows) {
      it(`${proofs.map(({ method }) => method).join(' + ')} is ${acr.split(':').at(-1)}`, () => {
        const { acr: found, amr: factors, authTime: time } = assuranceOf(proofs);
        expect({ acr: found, time }).to.deep.equal({ acr, time: authTime });
        expect(factors).to.have.members(amr);
      });
    }

    it('one proof of both kinds is two factors', () => {
      const passkey: Proof = { method: 'passkey', factor: 'both', amr: ['hwk', 'user'], at: 1 };
      expect(assuranceOf([passkey])).to.deep.equal({
        acr: MFA,
        amr: ['hwk', 'user', 'mfa'],
        authTime: 1,
      });
    });

    it('two proofs of one factor are no second factor', () => {
      expect(assuranceOf([totp(1), sms(2)]).acr).not.to.equal(MFA);
      expect(assuranceOf([totp(1), sms(2)]).amr).not.to.include('mfa');
    });
  });

  it('is ordered: each value reaches itself and the weaker ones', () => {
    expect(ACR_VALUES).to.deep.equal([PASSWORD, DEVICE, MFA]);
    for (const [has, acr] of ACR_VALUES.entries()) {
      for (const [wants, wanted] of ACR_VALUES.entries()) {
        expect(isAtLeast(acr, wanted), `${acr} for ${wanted}`).to.equal(has >= wants);
      }
    }
    for (const acr of [undefined, '', 'urn:gatehouse:acr:none', 'MFA']) {
      for (const wanted of ACR_VALUES) expect(isAtLeast(acr, wanted)).to.equal(false);
    }
  });

  describe('that a request wants', () => {
    const atLeast = (acr: (typeof ACR_VALUES)[number]): Wanted => ({ kind: 'at-least', acr });
    const anything: Wanted = { kind: 'anything' };
    const unreachable: Wanted = { kind: 'unreachable' };
    const rows: ReadonlyArray<readonly [string | undefined, string | undefined, Wanted]> = [
      [undefined, undefined, anything],
      ['', undefined, anything],
      ['   ', undefined, anything],
      [PASSWORD, undefined, atLeast(PASSWORD)],
      [DEVICE, undefined, atLeast(DEVICE)],
      [MFA, undefined, atLeast(MFA)],
      // The weakest known value satisfies, wherever it stands.
      [`${PASSWORD} ${MFA}`, undefined, atLeast(PASSWORD)],
      [`${MFA} ${PASSWORD}`, undefined, atLeast(PASSWORD)],
      [`${MFA}  ${DEVICE}`, undefined, atLeast(DEVICE)],
      // Unknown values are skipped, and only unknown ones are as none.
      [`urn:other ${MFA}`, undefined, atLeast(MFA)],
      [`${MFA} urn:other`, undefined, atLeast(MFA)],
      ['urn:other', undefined, anything],
      ['0 1', undefined, anything],
      [MFA.toUpperCase(), undefined, anything],
      [`${MFA}x`, undefined, anything],
      // A client's own demand is a floor.
      [undefined, MFA, atLeast(MFA)],
      ['', DEVICE, atLeast(DEVICE)],
      [PASSWORD, MFA, atLeast(MFA)],
      [MFA, PASSWORD, atLeast(MFA)],
      [`${PASSWORD} ${MFA}`, DEVICE, atLeast(DEVICE)],
      ['urn:other', MFA, atLeast(MFA)],
      // A client that demands what nobody can reach is a mistake of its registration.
      [undefined, 'urn:other', unreachable],
      [MFA, 'urn:other', unreachable],
    ];
    for (const [asked, required, wanted] of rows) {
      const says = `${JSON.stringify(asked)}, client requires ${required ?? 'nothing'}`;
      it(says, () => expect(wantedAcr(asked, required)).to.deep.equal(wanted));
    }

    it('is never less than the client requires, and never unknown', () => {
      const value = fc.constantFrom(...ACR_VALUES, 'urn:other', '', ' ');
      const asked = fc.array(value, { maxLength: 5 }).map((values) => values.join(' '));
      fc.assert(
        fc.property(asked, fc.constantFrom(...ACR_VALUES), (values, required) => {
          const wanted = wantedAcr(values, required);
          if (wanted.kind === 'unreachable') return;
          expect(wanted.kind).to.equal('at-least');
          if (wanted.kind === 'at-least') expect(isAtLeast(wanted.acr, required)).to.equal(true);
        }),
      );
    });
  });
});
