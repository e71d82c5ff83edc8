import { access, readFile, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { findPackage } from '../postgres/binaries.ts';
import { type Check, duration, fail, ok, warn } from './check.ts';

const megabyte = 1024 * 1024;
/** PostgreSQL stops when it cannot write its log: 256 MB of it, and some room. */
const leastFree = 500 * megabyte;
const fairFree = 2048 * megabyte;
/** Lambda and DynamoDB refuse signatures that are older than five minutes. */
const mostSkewMs = 60_000;

/** This machine, as far as a laptop's stack needs it. */
export const machineChecks: readonly Check[] = [
  {
    name: 'packages',
    async run() {
      const { version } = await findPackage();
      return ok(`Node ${process.versions.node}, and PostgreSQL's programs ${version} for this machine.`);
    },
  },
  {
    name: 'disk',
    async run({ directory = '.' }) {
      const there = await access(directory).then(
        () => directory,
        () => '.',
      );
      const { bavail, bsize } = await statfs(there);
      const free = bavail * bsize;
      const text = `${Math.round(free / megabyte)} MB are free where ${directory} is.`;
      if (free < leastFree) {
        return fail(
          `${text} PostgreSQL stops when the disk is full.`,
          'npm run backup -- prune, or delete what you do not need',
        );
      }
      return free < fairFree ? warn(`${text} That is little.`, 'npm run backup -- prune') : ok(text);
    },
  },
  {
    name: 'stack',
    needs: ['packages'],
    async run({ directory, url }) {
      if (directory === undefined) return ok('A stage on AWS.');
      if (!(await exists(join(directory, 'demo.json')))) {
        return fail('Counterfoil has never run in this checkout.', 'npm start');
      }
      if (url !== undefined && (await answers(url))) return ok(`Counterfoil runs at ${url}.`);
      const port = Number(new URL(url ?? 'http://localhost:3000').port || 80);
      return (await isTaken(port))
        ? fail(
            `Port ${port} is taken, but not by Counterfoil: it does not run.`,
            `PORT=${port + 100} npm start, or end the other program`,
          )
        : fail(`Counterfoil does not run: nothing listens on port ${port}.`, 'npm start');
    },
  },
  {
    name: 'clock',
    needs: ['stack'],
    async run({ url, directory, now }) {
      if (url === undefined) return ok('Not compared: no address was named.');
      const sentAt = Date.now();
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) });
      const date = Date.parse(response.headers.get('date') ?? '');
      const ahead = now() - Date.now();
      if (directory !== undefined && ahead > 1000)
        return ok(`The stack's clock is ${duration(ahead)} ahead, because you moved it: docs/test-clock.md.`);
      // The header is of the server's machine and counts whole seconds.
      const skew = Number.isNaN(date) ? 0 : date - (sentAt + Date.now()) / 2;
      return Math.abs(skew) > mostSkewMs
        ? fail(
            `This machine's clock is ${duration(Math.abs(skew))} ${skew > 0 ? 'behind' : 'ahead of'} the server's. AWS refuses what it signs, and sessions end at the wrong time.`,
            'set the clock by NTP: timedatectl set-ntp true',
          )
        : ok('The clocks agree.');
    },
  },
];

const exists = (file: string): Promise<boolean> =>
  readFile(file).then(
    () => true,
    () => false,
  );

/** Whether a Counterfoil answers there. */
const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) }).then(
    async (response) => 'parts' in ((await response.json()) as object),
    () => false,
  );

const isTaken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(true));
    server.listen(port, () => server.close(() => resolve(false)));
  });
