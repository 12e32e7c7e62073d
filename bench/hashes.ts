// How many argon2id hashes a second this machine checks, as many at once as Gatehouse lets run.
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import argon2 from 'argon2';
import { HASH_COSTS } from './setup.ts';

const [seconds = '1'] = process.argv.slice(2);
const password = 'Tavu7-Ripo3-Keld9';
const hash = await argon2.hash(password, { ...HASH_COSTS, type: argon2.argon2id });
const started = performance.now();
const until = started + Number(seconds) * 1000;
const before = process.cpuUsage();
let checked = 0;

async function check(): Promise<void> {
  while (performance.now() < until) {
    await argon2.verify(hash, password);
    checked += 1;
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, check));
const took = performance.now() - started;
const { user, system } = process.cpuUsage(before);
console.log(
  JSON.stringify({ rate: (checked * 1000) / took, cpu: (user + system) / 1000 / checked }),
);
