// Hands one mail to the SMTP server, or gives up after a fixed time, wherever the server hangs.
import { isIP } from 'node:net';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { failedCall, noAnswerWithin } from '../lib/causes.ts';

export type MimeMail = SendMailOptions;

export interface SmtpSettings {
  readonly smtp_url: string;
  /** Seconds for one mail. */
  readonly timeout: number;
  /** Where people find this place: its host greets the server, unless `?name=` of the URL does. */
  readonly issuer: string;
}

export function createSmtp({ smtp_url: url, timeout, issuer }: SmtpSettings) {
  const limit = timeout * 1000;
  const { host, searchParams } = new URL(url);
  const transport = createTransport({
    url,
    // The library takes the machine's name, and for one without a dot a loopback address.
    name: searchParams.get('name') || greetingName(issuer),
    dnsTimeout: limit,
    connectionTimeout: limit,
    greetingTimeout: limit,
    socketTimeout: limit,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async (mail: MimeMail): Promise<void> => {
    // A server that says a word now and then would never run into the limits above.
    const signal = AbortSignal.timeout(limit);
    try {
      await transport.sendMail({ ...mail, signal });
    } catch (error) {
      throw failedCall(host, signal.aborted ? noAnswerWithin(timeout) : error);
    }
  };
}

/** As EHLO wants it (RFC 5321): a name, or an address in brackets. */
function greetingName(issuer: string): string {
  const host = new URL(issuer).hostname;
  if (host.startsWith('[')) return `[IPv6:${host.slice(1, -1)}]`;
  return isIP(host) === 0 ? host : `[${host}]`;
}
