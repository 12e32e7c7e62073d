// The steps over every combination of facts, and the end that asks again.
import { expect } from 'chai';
import {
  ACR,
  ACR_VALUES,
  assuranceOf,
  isAtLeast,
  type Proof,
} from '../../src/domain/sessions/assurance.ts';
import { createLog } from '../../src/lib/log.ts';
import type { Facts } from '../../src/signin/facts.ts';
import { createFinish, type SignInTarget } from '../../src/signin/finish.ts';
import type { Flow } from '../../src/signin/flow.ts';
import { dueStep, progressOf, STEPS } from '../../src/signin/steps/index.ts';

const password: Proof = { method: 'password', factor: 'knowledge', amr: ['pwd'], at: 1_000 };
const factor: Proof = { method: 'any', factor: 'possession', amr: ['otp'], at: 2_000 };
const passkey: Proof = { method: 'passkey', factor: 'both', amr: ['hwk', 'user'], at: 1_500 };

type PasswordFacts = NonNullable<Facts['password']>;

/** What may be known of the password that was proved. */
const PASSWORDS: Readonly<Record<string, PasswordFacts | undefined>> = {
  'not looked at': undefined,
  'good enough': { unmet: false, staged: 'nothing', candidates: 0 },
  'hashed anew': { unmet: false, staged: 'rehash', candidates: 0, learned: 1 },
  'below the policy': { unmet: true, staged: 'nothing', candidates: 0 },
  'below the policy, tried': { unmet: true, staged: 'nothing', candidates: 20 },
  'below the policy, and hashed anew': { unmet: true, staged: 'rehash', candidates: 0 },
  'to be replaced': { unmet: true, staged: 'new', candidates: 1, learned: 1 },
};

const PLAIN: Facts = {
  v: 2,
  proofs: [],
  enrolled: [],
  grace: { kind: 'none' },
  postponed: false,
  device: { kind: 'none' },
  trust: false,
  backup: { left: 10, state: 'open' },
  wanted: { kind: 'anything' },
  devicesCount: true,
};

const copies = (proofs: readonly Proof[]) =>
  proofs.map((proof) => ({ ...proof, amr: [...proof.amr] }));

const CHOICES: { readonly [K in keyof Facts]?: ReadonlyArray<Facts[K]> } = {
  proofs: [[], [password], [factor], [password, factor], [passkey]].map(copies),
  enrolled: [[], ['any'], ['any', 'other']],
  password: Object.values(PASSWORDS),
  grace: [{ kind: 'none' }, { kind: 'running', until: 9 }, { kind: 'over' }],
  postponed: [false, true],
  device: [{ kind: 'none' }, { kind: 'trusted', id: 'd' }, { kind: 'ignored', reason: 'r' }],
  backup: [undefined, 0, 2, 3, 10].flatMap((left) =>
    (['open', 'renewing', 'settled'] as const).map((state) => ({ left, state })),
  ),
  wanted: [
    { kind: 'anything' },
    { kind: 'unreachable' },
    ...ACR_VALUES.map((acr) => ({ kind: 'at-least' as const, acr })),
  ],
  devicesCount: [true, false],
};

function* combinations(): Generator<Facts> {
  const names = Object.keys(CHOICES) as Array<keyof Facts>;
  const walk = function* (index: number, facts: Facts): Generator<Facts> {
    const name = names[index];
    if (!name) return yield facts;
    for (const value of CHOICES[name] ?? []) yield* walk(index + 1, { ...facts, [name]: value });
  };
  yield* walk(0, PLAIN);
}

/** Those from which all others are reached, and that differ in more than a name. */
function* beginnings(): Generator<Facts> {
  for (const facts of combinations()) {
    if (facts.proofs.length === 0 && !facts.password && facts.enrolled.length < 2) yield facts;
  }
}

/** The rules once more, in the words of who wrote them down, not of who built them. */
function expectedStep(facts: Facts): string | undefined {
  const { proofs, enrolled, password: known, grace, device, backup, wanted } = facts;
  const has = (kind: string) =>
    proofs.some((proof) => proof.factor === kind || proof.factor === 'both');
  const acr = wanted.kind === 'at-least' ? wanted.acr : ACR.password;
  const migrates = known?.staged === 'new';
  if (!has('knowledge')) return 'sign-in';
  if (known?.unmet && !migrates) return 'new-password';
  if (enrolled.length > 0 && !has('possession')) {
    const remembered = device.kind === 'trusted' && facts.devicesCount && !migrates;
    if (!remembered || acr === ACR.mfa) return 'second-factor';
  }
  if (enrolled.length === 0 && !has('possession')) {
    if (acr !== ACR.password || grace.kind === 'over') return 'enrol-factor';
    if (grace.kind === 'running' && !facts.postponed) return 'enrol-factor';
  }
  if (has('possession') && backup.state !== 'settled') {
    if (backup.left === undefined || backup.left < 3) return 'backup-codes';
    if (backup.state === 'renewing') return 'backup-codes';
  }
  return undefined;
}

/** Everything a person can do at a step; each leads on. */
function answersTo(step: string, facts: Facts): Facts[] {
  const withFactor = { ...facts, proofs: copies([...facts.proofs, factor]) };
  switch (step) {
    case 'sign-in':
      return Object.values(PASSWORDS).map((known) => ({
        ...facts,
        proofs: copies([...facts.proofs, password]),
        password: known,
      }));
    case 'new-password': {
      const known = { unmet: true, staged: 'new', candidates: 1 } as const;
      return [{ ...facts, password: known }];
    }
    case 'second-factor':
      return [withFactor];
    case 'enrol-factor': {
      const backup = { left: undefined, state: facts.backup.state };
      const enrolled = { ...withFactor, enrolled: ['any'], backup };
      const acr = facts.wanted.kind === 'at-least' ? facts.wanted.acr : ACR.password;
      const mayWait = facts.grace.kind === 'running' && acr === ACR.password;
      return mayWait ? [enrolled, { ...facts, postponed: true }] : [enrolled];
    }
    default: {
      const isOffer = facts.backup.left !== undefined && facts.backup.state === 'open';
      const next = isOffer ? (['settled', 'renewing'] as const) : (['settled'] as const);
      return next.map((state) => ({ ...facts, backup: { ...facts.backup, state } }));
    }
  }
}

/** The longest way to an end; throws where there is none. */
function wayOut(facts: Facts, seen: readonly string[] = []): number {
  const due = dueStep(facts);
  if (!due) return seen.length;
  // The offer of new backup codes and the codes themselves are two pages of one step.
  const times = seen.filter((each) => each === due.name).length;
  if (times > (due.name === 'backup-codes' ? 1 : 0)) throw new Error(`a circle: ${seen.join()}`);
  return Math.max(...answersTo(due.name, facts).map((next) => wayOut(next, [...seen, due.name])));
}

describe('the steps', () => {
  it('are those of the rules for every combination of facts', () => {
    const counts = new Map<string, number>();
    for (const facts of combinations()) {
      const expected = expectedStep(facts);
      const due = dueStep(facts)?.name;
      if (due !== expected) expect(due, JSON.stringify(facts)).to.equal(expected);
      counts.set(String(due), (counts.get(String(due)) ?? 0) + 1);
    }
    expect([...counts.keys()]).to.have.members([...STEPS.map(({ name }) => name), 'undefined']);
    expect([...counts.values()].reduce((sum, each) => sum + each, 0)).to.equal(283_500);
  });

  it('have an end from wherever one is: no circle, no dead end', () => {
    const lengths = [...beginnings()].map((facts) => wayOut(facts));
    expect(Math.max(...lengths)).to.equal(5);
  });

  it('end with what was asked for, or with nothing', () => {
    for (const facts of combinations()) {
      if (dueStep(facts) || facts.wanted.kind !== 'at-least') continue;
      const remembered = facts.enrolled.length > 0 && facts.device.kind === 'trusted';
      const { acr } = assuranceOf(facts.proofs, remembered && facts.devicesCount);
      if (isAtLeast(acr, facts.wanted.acr)) continue;
      expect.fail(`${acr} in the place of ${facts.wanted.acr}: ${JSON.stringify(facts)}`);
    }
  });

  it('say where one is', () => {
    const at = (facts: Partial<Facts>) => progressOf({ ...PLAIN, ...facts });
    const below = PASSWORDS['below the policy'] as PasswordFacts;
    const replaced = PASSWORDS['to be replaced'] as PasswordFacts;
    const [, known = [], , both = []] = CHOICES.proofs ?? [];
    const enrolled = ['any'];
    expect(at({})).to.deep.equal({ step: 1, of: 1 });
    expect(at({ proofs: known, enrolled })).to.deep.equal({ step: 2, of: 2 });
    expect(at({ proofs: known, password: below })).to.deep.equal({ step: 2, of: 2 });
    expect(at({ proofs: known, enrolled, password: below })).to.deep.equal({ step: 2, of: 3 });
    expect(at({ proofs: known, enrolled, password: replaced })).to.deep.equal({ step: 3, of: 3 });
    expect(at({ proofs: known, grace: { kind: 'over' } })).to.deep.equal({ step: 2, of: 3 });
    const saving = { proofs: both, enrolled, backup: { state: 'open' as const } };
    expect(at(saving)).to.deep.equal({ step: 3, of: 3 });
  });
});

describe('assurance', () => {
  it('comes from proofs, and from a trusted device where a second factor is missing', () => {
    expect(assuranceOf([password])).to.deep.equal({
      acr: ACR.password,
      amr: ['pwd'],
      authTime: 1_000,
    });
    const both = { acr: ACR.mfa, amr: ['pwd', 'otp', 'mfa'], authTime: 2_000 };
    expect(assuranceOf([password, factor])).to.deep.equal(both);
    expect(assuranceOf([password, factor], true)).to.deep.equal(both);
    expect(assuranceOf([password], true)).to.include({ acr: ACR.rememberedDevice });
    expect(assuranceOf([password], true).amr).to.deep.equal(['pwd']);
  });
});

describe('finish', () => {
  it('asks again whether a step is due, whoever calls it', async () => {
    const untouched = () => {
      throw new Error('nothing may be written');
    };
    const finish = createFinish({
      store: { commit: untouched, tryCommit: untouched } as never,
      accountTable: {} as never,
      flows: { end: untouched } as never,
      sessions: {} as never,
      knownBrowsers: {} as never,
      limits: {} as never,
      signInAudit: {} as never,
      trustedDevices: {} as never,
      newBrowsers: {} as never,
      notices: {} as never,
      log: createLog('silent'),
    });
    const requester = {
      address: '192.0.2.1',
      userAgent: '',
      browser: undefined,
      devices: new Map<string, string>(),
    };
    const door: SignInTarget = {
      session: undefined,
      requester,
      signedIn: untouched,
      refused: untouched,
    };
    const row = { accountId: 'usr_1', generation: 1 };
    for (const facts of combinations()) {
      if (!dueStep(facts) || !facts.devicesCount || facts.enrolled.length > 1) continue;
      const flow = { row, facts } as unknown as Flow;
      expect((await finish(flow, door)).kind).to.equal('step-due');
    }
  });
});
