import { setTimeout as sleep } from 'node:timers/promises';
import { routes } from '../../functions/routes.ts';
import { streams } from '../../functions/streams.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';
import { useAccessSink } from '../../lib/platform/access-log.ts';
import { startAccessLines } from '../local/functions/access-lines.ts';
import { createGateway } from '../local/functions/gateway.ts';
import { boundedQueue } from '../local/functions/queue.ts';
import { listenOn } from '../local/loopback.ts';
import { answersProbe } from './health.ts';
import { invoke } from './invoke.ts';
import type { Running } from './main.ts';

/** How long a container that ends goes on taking requests, until no more are sent to it. */
const drainMs = 5000;

/** Serves the HTTP API by the handlers of `functions/http`. */
export async function startHttp(say: (message: string) => void): Promise<Running> {
  const { PORT = '8080', TRUSTED_PROXIES = '0', MAX_REQUESTS = '48' } = process.env;
  const { handler, timeoutSeconds } = streams['record-access'];
  const lines = startAccessLines({ deliver: (payload) => invoke(handler, payload, timeoutSeconds), log: say });
  useAccessSink((line) => {
    process.stdout.write(`${line}\n`);
    lines.add(line);
  });
  const queue = boundedQueue({ atOnce: Number(MAX_REQUESTS), mostWaiting: 2000, holdMs: 1000 });
  let ending = false;
  const server = createGateway<Route>(
    Object.values(routes),
    async (route, event) => (await queue(() => invoke(route.handler, event, route.waits ? 29 : 10))) as never,
    () => {},
    {
      anyHost: true,
      trustedProxies: Number(TRUSTED_PROXIES),
      front: (request, response) => answersProbe(request, response, () => !ending),
    },
  );
  await listenOn('0.0.0.0', Number(PORT), server);
  say(`serving the HTTP API on port ${PORT}`);
  return {
    async stop() {
      ending = true;
      await sleep(drainMs);
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeIdleConnections();
      });
      await lines.stop();
    },
  };
}
