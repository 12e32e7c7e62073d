// Says that what was printed leads elsewhere: a command without the server's ISSUER or PORT.
import type { Core } from '../app.ts';
import { whyOtherIssuer } from '../domain/nodes/served-issuer.ts';

export async function noteOtherIssuer({ settingTable, config }: Core): Promise<void> {
  const why = await whyOtherIssuer(settingTable, config.issuer);
  if (why !== undefined) process.stderr.write(`Note: ${why}\n`);
}
