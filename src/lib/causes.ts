// What an error comes down to: the error at the end of its causes, its code and its words.

type Coded = Error & { readonly code?: unknown };

/** Nobody nests errors deeper; a circle of causes would never end. */
const DEEPEST = 10;

/** The last of the causes, and the first of several that failed side by side. */
export function rootCause(error: unknown): Coded | undefined {
  let root = error instanceof Error ? error : undefined;
  for (let depth = 0; root && depth < DEEPEST; depth += 1) {
    const next = root instanceof AggregateError ? root.errors[0] : root.cause;
    if (!(next instanceof Error)) return root;
    root = next;
  }
  return root;
}

/** `ECONNREFUSED`: of the error itself, or else of what caused it. */
export function errorCode(error: Error): string | undefined {
  const code = (error as Coded).code ?? rootCause(error)?.code;
  return typeof code === 'string' && code !== '' ? code : undefined;
}

/** `connect ECONNREFUSED 127.0.0.1:25`, with the code behind it where the words leave it out. */
export function describeCause(error: unknown): string {
  const root = rootCause(error);
  if (!root) return String(error);
  const code = errorCode(root);
  const isSaid = code === undefined || root.message.includes(code);
  return isSaid ? root.message : `${root.message} (${code})`.trim();
}

/** For whoever called a host: names the host and the cause, and has the code of the cause. */
export function failedCall(host: string, error: unknown): Error {
  const code = error instanceof Error ? errorCode(error) : undefined;
  return Object.assign(new Error(`${host}: ${describeCause(error)}`), code && { code });
}

export function noAnswerWithin(seconds: number): Error {
  return Object.assign(new Error(`no answer within ${seconds} s`), { code: 'ETIMEDOUT' });
}
