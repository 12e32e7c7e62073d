// A step is something that must be true before a sign-in ends.
import type { Statement } from '../../store/statement.ts';
import type { Facts } from '../facts.ts';
import type { Flow, Flows } from '../flow.ts';

export interface Step {
  /** Names its view and its audit entries. */
  readonly name: string;
  /** Pure: every fact stands on the flow. */
  isNeeded(facts: Facts): boolean;
  /** What a first-party application is answered while the step is due; none: nothing helps. */
  readonly firstParty?: FirstPartyAnswer;
  /**
   * Passes over the step in a sign-in without pages, where a page would only offer it.
   * Undefined where it must be done.
   */
  skip?(flow: Flow, flows: Flows): Statement | undefined;
}

export interface FirstPartyAnswer {
  readonly status: 401 | 403;
  /** Code of the JSON error. */
  readonly error: string;
  readonly description: string;
  /** What the application can do: send a code, or open a page for the person. */
  readonly needs: 'code' | 'page';
}
