// In the place of bin/gatehouse: hands the command to the test, where everything is loaded already.
import { buffer } from 'node:stream/consumers';
import type { CommandResult } from '../support/processes.ts';

const stdin = (await buffer(process.stdin)).toString('base64');
const response = await fetch(String(process.env.COMMANDS_AT), {
  method: 'POST',
  body: JSON.stringify({ args: process.argv.slice(2), stdin, cwd: process.cwd() }),
});
const { code, stdout, stderr } = (await response.json()) as CommandResult;
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
