// Hands one mail to the SMTP server, or gives up after a fixed time, wherever the server hangs.
import { createTransport, type SendMailOptions } from 'nodemailer';
import { failedCall, noAnswerWithin } from '../lib/causes.ts';

export type MimeMail = SendMailOptions;

export interface SmtpSettings {
  readonly smtp_url: string;
  /** Seconds for one mail. */
  readonly timeout: number;
}

export function createSmtp({ smtp_url: url, timeout }: SmtpSettings) {
  const limit = timeout * 1000;
  const transport = createTransport({
    url,
    dnsTimeout: limit,
    connectionTimeout: limit,
    greetingTimeout: limit,
    socketTimeout: limit,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const { host } = new URL(url);
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
