// What became of a sign-in, as the refusal that says what is missing.
import type { Factor } from '../../../factors/index.ts';
import { describeWrong } from '../../../signin/denials.ts';
import type { FirstPartyOutcome, Wrong } from '../../../signin/first-party.ts';
import type { Translate } from '../../../web/catalogue.ts';
import { ApiError, type Members, retryAfter, standingOf, tooMany } from './refusal.ts';

export interface OutcomeNeeds {
  readonly factors: readonly Factor[];
  readonly issuer: string;
  /** Whom to ask; empty where nobody is named. */
  readonly support: string;
  readonly t: Translate;
}

export type Unfinished = Exclude<FirstPartyOutcome, { kind: 'signed-in' }>;

export const GONE = new ApiError(
  401,
  'invalid_session',
  "session_id: this sign-in doesn't exist or has ended; start again with the password.",
);

/** @param handle by which the next call goes on with this sign-in */
export function refusalFor(outcome: Unfinished, handle: string, needs: OutcomeNeeds): ApiError {
  if (outcome.kind === 'gone') return GONE;
  if (outcome.kind === 'wrong') return wrong(outcome.factor, outcome.outcome, handle, needs);
  if (outcome.kind === 'malformed') return malformed(outcome, handle, needs);
  if (outcome.kind === 'due') return due(outcome, handle, needs);
  if (outcome.kind === 'not-allowed') {
    return new ApiError(403, outcome.code, describeNotAllowed(outcome, needs));
  }
  const description = 'No sign-in can meet what the application requires.';
  return new ApiError(403, 'unmet_authentication_requirements', description);
}

function describeNotAllowed(
  { code }: Extract<Unfinished, { kind: 'not-allowed' }>,
  { t, support }: OutcomeNeeds,
): string {
  if (code === 'access_denied') return "This person doesn't have access to this application.";
  if (code !== 'account_suspended') return "The account can't be used from this network.";
  const contact = support === '' ? [] : [t('errors.ask', { contact: support })];
  return [t('errors.account_suspended'), ...contact].join(' ');
}

function due(
  { step, offered }: Extract<Unfinished, { kind: 'due' }>,
  handle: string,
  { issuer }: OutcomeNeeds,
): ApiError {
  const { firstParty: answer } = step;
  if (!answer) return GONE;
  const { status, error, description } = answer;
  if (answer.needs === 'page') {
    return new ApiError(status, error, description, { url: `${issuer}/account` });
  }
  const challenges = offered.flatMap(({ factor, challenge }) =>
    challenge ? [[factor.name, challenge]] : [],
  );
  return new ApiError(status, error, description, {
    requires_mfa: true,
    session_id: handle,
    methods: offered.map(({ factor }) => factor.name),
    ...(challenges.length > 0 ? { challenges: Object.fromEntries(challenges) } : {}),
  });
}

/** It was no guess: the next one is as good as this one would have been. */
function malformed(
  { factor, outcome: { flaw, instead } }: Extract<Unfinished, { kind: 'malformed' }>,
  handle: string,
  { t }: OutcomeNeeds,
): ApiError {
  const why = instead ? `looks like a ${instead.member}; send it in that member` : t(flaw);
  return new ApiError(422, 'invalid_mfa_code', `${factor.member}: ${why}`, { session_id: handle });
}

function wrong(factor: Factor, outcome: Wrong, handle: string, { t }: OutcomeNeeds): ApiError {
  const isFactor = factor.step === 'second-factor';
  const again: Members = isFactor ? { session_id: handle } : {};
  if (outcome.kind === 'limited') return tooMany(outcome, again);
  const error = isFactor ? 'invalid_mfa_code' : 'invalid_credentials';
  const description = describeWrong(outcome.hint, factor.page.texts, t);
  const members = { ...again, ...standingOf(outcome) };
  return new ApiError(401, error, description, members, retryAfter(outcome));
}
