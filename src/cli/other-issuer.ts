// Says that what was printed leads elsewhere: a command without the server's ISSUER or PORT.
import type { House } from '../app.ts';
import { whyOtherIssuer } from '../domain/served-issuer.ts';

export async function noteOtherIssuer({ settings, config }: House): Promise<void> {
  const why = await whyOtherIssuer(settings, config.issuer);
  if (why !== undefined) process.stderr.write(`Note: ${why}\n`);
}
