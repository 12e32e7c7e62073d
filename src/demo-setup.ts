// What development has beside the provider: demo accounts, a demo client and the demo itself.
import type { Core } from './app.ts';
import { type DemoPerson, ensurePeople } from './demo-people.ts';
import { randomId } from './lib/ids.ts';

export interface RunningDemo {
  readonly url: string;
  /** The first is the one to begin with. */
  readonly people: readonly DemoPerson[];
  stop(): Promise<void>;
}

const CLIENT_ID = 'demo';

/** Makes what is missing and starts the demo relying party. */
export async function startDemoFor(core: Core): Promise<RunningDemo> {
  const { config } = core;
  const people = await ensurePeople(core);
  const clientSecret = randomId(256);
  const baseUrl = `http://localhost:${config.demo.port}`;
  await registerClient(core, clientSecret, baseUrl);
  const first = people[0] as DemoPerson;
  const { startDemo } = await import('./demo/demo.ts');
  const demo = await startDemo({
    issuer: config.issuer,
    clientId: CLIENT_ID,
    clientSecret,
    baseUrl,
    host: config.host,
    port: config.demo.port,
    render: (view, data) => renderForDemo(core, view, data),
    log: core.log,
    hint: `${first.email} / ${first.password}`,
  });
  return { url: demo.url, people, stop: demo.stop };
}

/** The demo borrows stylesheet and scripts from the provider, at its full address. */
function renderForDemo({ render, config }: Core, view: string, data: Record<string, unknown>) {
  return render(view, data).replaceAll('"/assets/', `"${config.issuer}/assets/`);
}

async function registerClient(core: Core, secret: string, baseUrl: string): Promise<void> {
  const metadata = {
    client_name: 'Example App',
    client_uri: `${baseUrl}/`,
    redirect_uris: [`${baseUrl}/callback`],
    post_logout_redirect_uris: [`${baseUrl}/`],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  // A secret of its own for each start: it is nowhere but in this process.
  await core.clients.create(metadata, { id: CLIENT_ID, secret, replace: true });
}
