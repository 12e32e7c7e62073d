// The one judge of passwords: whoever sets one asks here, and so does the sign-in.
import type { PasswordSettings } from '../../config/schema.ts';
import { fromIso } from '../../lib/clock.ts';
import { RULES, type Rule, type RuleSettings, unmetRules } from './rules.js';
import { loadWords } from './words.ts';

export type { Rule, RuleSettings };

/** Whose password it is, as far as it is known. */
export interface PasswordOwner {
  readonly email?: string | undefined;
  readonly name?: string | undefined;
}

export interface Judgement {
  readonly met: boolean;
  readonly rules: ReadonlyArray<{ readonly rule: Rule; readonly met: boolean }>;
}

/** What a right password shows of itself. Only which versions it meets, never which rule it fails. */
export interface Standing {
  /** The version in force is not met: a new password is due. */
  readonly unmet: boolean;
  /** The newest version that is met. */
  readonly meets: number | undefined;
}

export interface AnnouncedPolicy {
  readonly version: number;
  /** Milliseconds. */
  readonly enforcedFrom: number;
}

export interface PasswordPolicy {
  /** What a new password must meet: the policy in force and the announced one. */
  readonly settings: RuleSettings;
  /** The newest version; a new password meets it. */
  readonly newest: number;
  checkPassword(password: string, owner: PasswordOwner): Judgement;
  reviewStored(password: string, owner: PasswordOwner, at: number): Standing;
  /**
   * Whether the account must sign in before anything else: its password is not known to meet the
   * version in force. What it then turns out to be is judged there.
   */
  isDue(account: KnownAccount, at: number): boolean;
  /** The version that people are told about before it is enforced. */
  announced(at: number): AnnouncedPolicy | undefined;
}

export interface KnownAccount {
  readonly passwordHash: string | undefined;
  readonly knownPolicyVersion: number | undefined;
}

interface Version {
  readonly version: number;
  readonly enforcedFrom: number;
  readonly settings: RuleSettings;
}

export function createPasswordPolicy(config: PasswordSettings): PasswordPolicy {
  const versions = versionsOf(config);
  const newest = versions.at(-1) as Version;
  const settings = versions.map((each) => each.settings).reduce(stricter);
  const enforced = (at: number) =>
    versions.findLast(({ enforcedFrom }) => enforcedFrom <= at) ?? (versions[0] as Version);

  return {
    settings,
    newest: newest.version,
    checkPassword: (password, owner) => {
      const unmet = checkPassword(password, settings, owner);
      const rules = settings.rules.map((rule) => ({ rule, met: !unmet.includes(rule) }));
      return { met: unmet.length === 0, rules };
    },
    reviewStored: (password, owner, at) => {
      const isMet = (each: Version) => checkPassword(password, each.settings, owner).length === 0;
      const met = versions.filter(isMet);
      return { unmet: !met.includes(enforced(at)), meets: met.at(-1)?.version };
    },
    isDue: ({ passwordHash, knownPolicyVersion = 0 }, at) =>
      passwordHash !== undefined && knownPolicyVersion < enforced(at).version,
    announced: (at) => (newest.enforcedFrom > at ? newest : undefined),
  };
}

/** Oldest first. */
function versionsOf({ version, announced, ...switches }: PasswordSettings): readonly Version[] {
  const inForce = { version, enforcedFrom: 0, settings: settingsOf(switches) };
  if (!announced) return [inForce];
  const enforcedFrom = fromIso(announced.enforced_from);
  return [inForce, { version: announced.version, enforcedFrom, settings: settingsOf(announced) }];
}

type Switches = Pick<PasswordSettings, 'preset' | 'min_length' | 'max_length' | SwitchedRule>;
type SwitchedRule = Exclude<Rule, 'length'>;

interface Preset {
  readonly min: number;
  readonly max: number;
  readonly rules: readonly Rule[];
  readonly listed: 'whole' | 'within';
}

const PRESETS: Readonly<Record<PasswordSettings['preset'], Preset>> = {
  composition: { min: 12, max: 128, rules: RULES, listed: 'within' },
  // Blocklists are held against the whole password, not against words in it (3.1.1.2).
  standards: { min: 15, max: 128, rules: ['length', 'listed', 'personal'], listed: 'whole' },
};

function settingsOf(switches: Switches): RuleSettings {
  const preset = PRESETS[switches.preset];
  const isOn = (rule: Rule) => rule === 'length' || (switches[rule] ?? preset.rules.includes(rule));
  return {
    min: switches.min_length ?? preset.min,
    max: switches.max_length ?? preset.max,
    rules: RULES.filter(isOn),
    listed: preset.listed,
  };
}

function stricter(one: RuleSettings, other: RuleSettings): RuleSettings {
  return {
    min: Math.max(one.min, other.min),
    max: Math.min(one.max, other.max),
    rules: RULES.filter((rule) => one.rules.includes(rule) || other.rules.includes(rule)),
    listed: [one, other].some(({ listed }) => listed === 'within') ? 'within' : 'whole',
  };
}

function checkPassword(password: string, settings: RuleSettings, owner: PasswordOwner): Rule[] {
  const words = loadWords();
  return unmetRules(password, settings, {
    isListed: words.has,
    longestWord: words.longest,
    personal: personalWords(owner),
  });
}

const SHORTEST_PERSONAL = 4;

function personalWords({ email = '', name = '' }: PasswordOwner): string[] {
  const local = email.slice(0, Math.max(0, email.lastIndexOf('@')));
  return [local, ...name.split(/[^\p{L}\p{M}\p{N}]+/u)]
    .map((word) => word.normalize('NFKC').toLowerCase())
    .filter((word) => [...word].length >= SHORTEST_PERSONAL);
}
