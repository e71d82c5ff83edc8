import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type LabName, labs } from './labs.sql.ts';
import { type Running, startLab } from './run.ts';

const usage = `npm run lab -- ${Object.keys(labs).join('|')} [--directory .local/lab]

Starts a shop of its own, breaks it, and says when you have mended it. What the folder holds is deleted. Ctrl-C ends it. Port:
PORT (3300). See docs/labs.md.`;

const say = (line: string): void => console.log(line);
const pauseMs = 1000;

/** @returns the exit code: 0 healed, 1 the shop cannot be started, 2 invalid command line */
async function main(): Promise<number> {
  const given = read();
  if (given === undefined) {
    console.error(usage);
    return 2;
  }
  const { name, directory } = given;
  const lab = labs[name];
  say(`· starting a shop of its own in ${directory}`);
  const starting = startLab(lab, resolve(directory), Number(process.env.PORT ?? 3300));
  for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const])
    process.once(signal, () => {
      void starting.then((begun) => begun.end()).finally(() => process.exit(code));
    });
  const running = await starting;
  // The doctor calls a lock one that somebody waits for when it has been waited for a while.
  while ((await running.symptoms()) === undefined) await sleep(pauseMs);
  say(`
Something is wrong in the shop at ${running.baseUrl}.
What people notice: ${lab.noticed}

  ${running.baseUrl}/console  shows the shop
  npm run doctor -- --directory ${directory}  says what is wrong
  npm run sql -- --directory ${directory} "select …"  runs a statement
  stop, start, start NAME=VALUE and Enter here  stop the shop, start it again, or with another setting
  ${lab.page}  has more
  ${running.demo.appKey}  is the key of an application with every scope

Mend it. This says when it is healed.`);
  const startedAt = performance.now();
  obey(running);
  while ((await running.symptoms()) !== undefined) await sleep(pauseMs);
  say(`\nHealed after ${Math.round((performance.now() - startedAt) / 1000)} seconds.`);
  await running.end();
  return 0;
}

/** Stops and starts the shop as the terminal says, one after the other. */
function obey(running: Running): void {
  let before = Promise.resolve();
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [command, ...rest] = line.trim().split(/\s+/);
    const settings = rest.map((word) => /^([A-Z_]+)=(.*)$/.exec(word));
    if (command === '') return;
    if (!['stop', 'start'].includes(command!) || settings.includes(null)) {
      say('· stop, start, or start NAME=VALUE');
      return;
    }
    before = before
      .then(async () => {
        if (command === 'stop') await running.stop();
        else await running.start(Object.fromEntries(settings.map((match) => [match![1]!, match![2]!])));
        say(command === 'stop' ? '· the shop has stopped' : `· the shop runs at ${running.baseUrl}`);
      })
      .catch((error: Error) => say(`✗ ${error.message}`));
  });
}

function read(): { name: LabName; directory: string } | undefined {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { directory: { type: 'string', default: '.local/lab' } },
    });
    const [name = '', ...more] = positionals;
    return Object.hasOwn(labs, name) && more.length === 0 ? { name: name as LabName, ...values } : undefined;
  } catch {
    return undefined;
  }
}

process.exit(
  await main().catch((error: Error) => {
    console.error(error.message);
    return 1;
  }),
);
