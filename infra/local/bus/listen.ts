import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { readDemo } from '../demo.ts';
import { listenOn, portOf } from '../loopback.ts';

const usage = `npm run webhooks -- listen [--events order.*,refund.*] [--port 0] [--directory .local]

Receives the webhooks of the laptop's demo shop, verifies their signatures and prints them, until Ctrl-C. It registers an
endpoint with the demo shop's key and deletes it at the end.
`;

type Endpoint = { id: string; secret: string };

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      events: { type: 'string', default: '*' },
      port: { type: 'string', default: '0' },
      directory: { type: 'string', default: '.local' },
    },
  });
  if (positionals.length !== 1 || positionals[0] !== 'listen') {
    console.error(usage);
    process.exit(2);
  }
  const demo = await readDemo(join(values.directory, 'demo.json'));
  if (demo === undefined) throw new Error(`There is no demo shop in ${values.directory}: start it with npm start.`);
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(demo.baseUrl + path, {
      method,
      headers: { authorization: `Bearer ${demo.appKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Error(`The demo shop does not answer at ${demo.baseUrl}: start it with npm start.`, { cause });
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} gave ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Endpoint;
  };

  let verifier: Webhook | undefined;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    try {
      const event = verifier!.verify(body, request.headers as Record<string, string>) as { type: string };
      console.log(`${event.type}  verified\n${JSON.stringify(event, undefined, 2)}\n`);
      response.writeHead(204).end();
    } catch (error) {
      console.error(`A request was not signed by the endpoint's secret: ${String(error)}`);
      response.writeHead(400).end();
    }
  });
  await listenOn('127.0.0.1', Number(values.port), server);
  const url = `http://127.0.0.1:${portOf(server)}/`;
  const endpoint = await call('POST', '/webhook-endpoints', { url, events: values.events.split(',') });
  verifier = new Webhook(endpoint.secret);
  console.log(`Listening at ${url} for ${values.events}. Place an order; Ctrl-C ends.\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  await call('DELETE', `/webhook-endpoints/${endpoint.id}`).catch(() => {});
  process.exit(0);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
