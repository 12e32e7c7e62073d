// A half-done sign-in goes on at another node after kill -9 of the one that began it.
import { codeFor } from '../../test/support/authenticator-app.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../../test/support/enrolled-person.ts';
import { codeOf } from '../../test/support/relying-party.ts';
import { createWeb, titleOf } from '../../test/support/web.ts';
import type { Experiment } from '../experiment.ts';
import { nameOf } from '../journal.ts';
import type { Site } from '../site.ts';

export const halfDone: Experiment = {
  name: 'half-done',
  title: 'a sign-in moved to another node after kill -9, between any two of its steps',
  stores: ['sqlite', 'postgres'],
  takes: '20 s',
  run: async ({ journal, open, rounds: roundsOf }) => {
    const site = await open({ config: { mfa: { required: true } } });
    const person = await createEnrolledPerson(site, site.party);
    const rounds = roundsOf(4);
    let moves = 0;
    for (let round = 0; round < rounds; round += 1) {
      await site.advance('60s');
      const { code, request } = await signInMoving(site, person, async () => {
        const dead = moves % 2;
        await site.kill(dead);
        moves += 1;
        return dead;
      });
      const what = { act: 'code', subject: nameOf(code), once: true, account: person.id };
      await journal.run(what, () => site.party.redeem(request, code, site.at(moves)));
    }
    return { 'sign-ins': rounds, moves };
  },
};

/** Every request goes to the node that is alive. */
async function signInMoving(
  site: Site,
  { email, password, secret }: EnrolledPerson,
  kill: () => Promise<number>,
) {
  let door = site.at(0);
  const jar = () => createWeb(site.url, web.cookies(), undefined, door);
  const move = async () => {
    const dead = await kill();
    door = site.at(dead + 1);
    web = jar();
    void site.start(dead);
    await new Promise((resolve) => setTimeout(resolve, 0));
    return dead;
  };
  let web = createWeb(site.url, [], undefined, door);
  const request = site.party.url();
  let page = await web.get(request.url);
  let dead = await move();
  page = await web.submit(page, '/prove/password', { email, password });
  if (titleOf(page) !== 'Two-factor authentication') throw new Error(titleOf(page));
  await untilRunning(site, dead);
  dead = await move();
  page = await web.submit(page, '/prove/totp', { code: codeFor(secret) });
  await untilRunning(site, dead);
  const allowed = page.text.includes('value="allow"')
    ? await web.submit(page, '/consent', { decision: 'allow' })
    : page;
  return { code: codeOf(allowed), request };
}

async function untilRunning(site: Site, number: number): Promise<void> {
  while (site.nodes[number]?.process.exit() !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
