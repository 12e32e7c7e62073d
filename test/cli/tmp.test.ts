import { freePort } from '../support/gatehouse.ts';
import { startProcess, runCommand } from '../support/processes.ts';
import { onBothStores } from '../support/stores.ts';
onBothStores('x', (store) => {
  it('two', async () => {
    const database = await store.create();
    const [a, b] = [await freePort(), await freePort()];
    const issuer = `http://localhost:${a}`;
    const [one, two] = await Promise.all([startProcess({ database, port: a }), startProcess({ database, port: b, issuer })]);
    console.log(one.pid, two.pid, await (await fetch(`${two.url}/.well-known/openid-configuration`)).json().then((x: any) => x.issuer), one.output());
    console.log(await runCommand(['account', 'create', 'x@y.zz', '--password-stdin', '--json'], { database, stdin: 'abc' }));
    console.log(await one.kill('SIGKILL'));
    await one.stop();
    if (process.env.FORGET) return;
    if (process.env.DIE) process.kill(process.pid, 'SIGKILL');
    await two.stop();
    console.log(await two.kill('SIGTERM'));
    database.remove();
  });
});
