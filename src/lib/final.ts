// Failures that no further try can mend: whoever was asked has said no for good.

const finals = new WeakSet<Error>();

export function finalError(message: string): Error {
  const error = new Error(message);
  finals.add(error);
  return error;
}

export function isFinal(error: unknown): boolean {
  return error instanceof Error && finals.has(error);
}
