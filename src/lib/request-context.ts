// Who asks, from where and under which trace: known to whatever a request or command sets in motion.
import { AsyncLocalStorage } from 'node:async_hooks';

export interface RequestContext {
  readonly trace?: string;
  /** The client's network address. */
  readonly address?: string;
  /** As it was sent: anything may stand in it. */
  readonly userAgent?: string;
  /** The account of the person who acts, `cli:<os user>` for a command. */
  readonly actor?: string | undefined;
  /** The row of the sign-in that the request belongs to. */
  readonly flowId?: string | undefined;
  /** It comes from a browser that is known to the account whose password it sends. */
  readonly isKnown?: boolean;
  /** Neither tokens nor health: there are database connections that it never gets. */
  readonly mayWait?: boolean;
}

const contexts = new AsyncLocalStorage<RequestContext>();
const NOBODY: RequestContext = {};

export function withRequest<T>(context: RequestContext, work: () => T): T {
  return contexts.run({ ...context }, work);
}

export function currentRequest(): RequestContext {
  return contexts.getStore() ?? NOBODY;
}

/** What turns out only while the request is answered. */
export function noteInRequest(found: Pick<RequestContext, 'actor' | 'flowId' | 'isKnown'>): void {
  const context = contexts.getStore();
  if (context) Object.assign(context, found);
}
