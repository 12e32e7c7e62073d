// What the terminal says of the demo accounts, with a QR code for an authenticator app.
import { generateURI } from 'otplib';
import type { DemoPerson } from '../demo-people.ts';
import { print } from './output.ts';

export async function announcePeople(people: readonly DemoPerson[], issuer: string): Promise<void> {
  const [first, ...others] = people;
  if (!first) return;
  print(`Demo sign-in: ${first.email} / ${first.password}`);
  print(`  ${first.shows}`);
  for (const each of others) await announce(each, issuer);
}

async function announce(person: DemoPerson, issuer: string): Promise<void> {
  const { email, password, totp_secret: secret, shows } = person;
  print(`Also: ${email} / ${password}`);
  print(`  ${shows}`);
  if (secret === undefined) return;
  print(`  TOTP secret ${secret}, or scan:`);
  const uri = generateURI({ issuer, label: email, secret });
  // In a terminal black on white, whatever its own colours are: cameras need that.
  const type = process.stdout.isTTY ? 'terminal' : 'utf8';
  const { default: QRCode } = await import('qrcode');
  const qr = await QRCode.toString(uri, { type, small: true, errorCorrectionLevel: 'L' });
  for (const line of qr.trimEnd().split('\n')) print(`  ${line}`);
}
