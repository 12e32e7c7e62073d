// Structured logs (pino) in which every line carries the trace of its request and no secret.
import { type Logger, pino, stdSerializers } from 'pino';
import { errorCode } from './causes.ts';
import { now, toIso } from './clock.ts';
import { currentRequest } from './request-context.ts';

export type Log = Logger;

const SECRETS = [
  'password',
  'new_password',
  'code',
  'secret',
  'client_secret',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'authorization',
  'cookie',
  'csrf',
  'assertion',
];

/**
 * What is named like an authorization code is never written: the code of an error, or of what caused
 * it, gets another name.
 */
function describe(error: unknown) {
  if (!(error instanceof Error)) return error;
  const { code: _, ...described } = stdSerializers.err(error) as Record<string, unknown>;
  const code = errorCode(error);
  return code === undefined ? described : { ...described, error_code: code };
}

/** JSON lines on standard error; standard output belongs to what a command prints. */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${toIso(now())}"`,
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
      serializers: { err: describe },
      mixin: () => {
        const { trace } = currentRequest();
        return trace === undefined ? {} : { trace };
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
