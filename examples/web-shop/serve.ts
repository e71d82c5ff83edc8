import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { readStage, type Stage, stageOptions } from '../stage.ts';

/** The demo's web application lets in pages from this port: `origins` in docs/applications.md. */
const demoPort = 5173;

const usage = `npm run example:web -- [--demo FILE] | [--url ADDRESS --client-id ID] [--port N]

  --demo FILE      the shop to open, as npm start writes it (.local/demo.json)
  --url ADDRESS    the API of another one, and
  --client-id ID   its web application, whose origins have this page's
  --port N         where the page is served (${demoPort})
`;

type Page = { type: string; read: () => Promise<string | Uint8Array> };

/** Answers with the page and its parts. It reads and bundles them at each request, so a reload shows a change. */
export function pageHandler({ baseUrl, clientId, customer }: Stage): RequestListener {
  const file = (name: string) => () => readFile(join(import.meta.dirname, name));
  const pages: Record<string, Page> = {
    '/': { type: 'text/html; charset=utf-8', read: file('index.html') },
    '/style.css': { type: 'text/css; charset=utf-8', read: file('style.css') },
    '/page.js': { type: 'text/javascript; charset=utf-8', read: bundle },
    '/config.json': { type: 'application/json', read: async () => JSON.stringify({ baseUrl, clientId, customer }) },
  };
  const policy = `default-src 'self'; img-src data:; connect-src 'self' ${new URL(baseUrl).origin}; frame-ancestors 'none'`;
  return (request, response) => {
    const page = pages[new URL(request.url ?? '/', 'http://page').pathname];
    if (page === undefined) {
      response.writeHead(404).end();
      return;
    }
    page.read().then(
      (body) => response.writeHead(200, { 'content-type': page.type, 'content-security-policy': policy }).end(body),
      (error: unknown) => {
        console.error(error);
        response.writeHead(500).end();
      },
    );
  };
}

async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.contents;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...stageOptions,
      port: { type: 'string', default: String(demoPort) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(usage);
  const stage = await readStage(values);
  if (stage.clientId === undefined) throw new Error('Give the id of a web application by --client-id.');
  const server = createServer(pageHandler(stage));
  server.once('error', (error: NodeJS.ErrnoException) => {
    console.error(error.code === 'EADDRINUSE' ? `Port ${values.port} is in use: stop what uses it.` : error.message);
    process.exitCode = 1;
  });
  server.listen(Number(values.port), 'localhost', () => {
    const { port } = server.address() as AddressInfo;
    console.log(`The shop is open at http://localhost:${port} and orders at ${stage.baseUrl}. Stop: Ctrl-C`);
  });
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
