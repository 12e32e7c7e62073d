// Starts Gatehouse: store, provider, pages, and in development the demo beside it.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Core, type Options, openCore } from './app.ts';
import type { Config } from './config/schema.ts';
import { type RunningDemo, startDemoFor } from './demo-setup.ts';
import { rememberServed } from './domain/nodes/served-issuer.ts';
import { loadWords } from './domain/passwords/words.ts';
import { createHttpServer } from './http/server.ts';
import { now } from './lib/clock.ts';
import { logFailure } from './lib/repeated-lines.ts';
import { sweepInTurn } from './store/sweep.ts';

export interface Running {
  readonly core: Core;
  readonly url: string;
  readonly demo: Pick<RunningDemo, 'url' | 'people'> | undefined;
  /**
   * Says that it is not ready, stops accepting, finishes what runs, closes the store.
   * @param options.atOnce without the time in which whoever comes is served
   */
  stop(options?: { readonly atOnce?: boolean }): Promise<void>;
}

const SWEEP_EVERY = 60_000;

/** Rejects with a sentence that names the cure when the port is taken or the folder unwritable. */
export async function start(config: Config, options: Options = {}): Promise<Running> {
  const core = await openCore(config, options);
  // Read now, so that the first sign-in need not wait for it.
  loadWords();
  const server = createHttpServer(core);
  const closeUnused = watchUnused(server);
  try {
    await listen(server, config);
    server.on('error', (error) => core.log.error({ err: error }, 'connection refused'));
    await rememberServed(core.settingTable, config.issuer);
    await core.node.begin();
    const demo = config.demo.enabled ? await startDemoFor(core) : undefined;
    const stopSweeping = startSweeping(core);
    return {
      core,
      url: config.issuer,
      demo,
      stop: async ({ atOnce = false } = {}) => {
        core.draining.begin();
        stopSweeping();
        if (!atOnce) await sleep(config.http.stop_delay * 1000);
        await Promise.all([demo?.stop(), close(server, closeUnused, config.http.stop_timeout)]);
        await core.node.end();
        await core.close();
      },
    };
  } catch (error) {
    server.closeAllConnections();
    server.close();
    await core.node.end();
    await core.close();
    throw error;
  }
}

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error & { code?: string }) => {
      reject(new Error(cureFor(error.code, host, port) ?? error.message, { cause: error }));
    };
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function cureFor(code: string | undefined, host: string, port: number): string | undefined {
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use. Stop what uses it, or set PORT to another one.`;
  }
  if (code === 'EACCES') return `This user may not listen on port ${port}. Set PORT above 1023.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `HOST is "${host}", which is no address of this machine.`;
  }
  return undefined;
}

/**
 * Browsers and balancers open connections in advance; to the server those do not count as idle.
 * @returns closes the ones on which nothing has come yet
 */
function watchUnused(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
}

function close(server: Server, closeUnused: () => void, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), seconds * 1000);
    // Whoever has just been answered would be kept for another request.
    const served = setInterval(() => {
      server.closeIdleConnections();
      // Timers run before what has arrived is read, immediates after it.
      setImmediate(closeUnused);
    }, 50);
    server.close(() => {
      clearTimeout(late);
      clearInterval(served);
      resolve();
    });
  });
}

function startSweeping({ store, log, audit }: Core): () => void {
  const stopped = new AbortController();
  let isSweeping = false;
  const tidy = async () => {
    if (isSweeping) return;
    isSweeping = true;
    await Promise.all([sweepInTurn(store, now(), stopped.signal), audit.closeEnded()])
      .catch((error: unknown) => logFailure(log, error, 'removing expired rows failed'))
      .finally(() => {
        isSweeping = false;
      });
  };
  const timer = setInterval(() => void tidy(), SWEEP_EVERY);
  timer.unref();
  return () => {
    clearInterval(timer);
    stopped.abort();
  };
}
