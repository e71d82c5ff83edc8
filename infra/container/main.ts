import { parseArgs } from 'node:util';
import { completeEnvironment } from './environment.ts';

const usage = `node infra/container/main.ts http      serves the HTTP API on PORT (8080)
node infra/container/main.ts worker    runs sagas, events and jobs; a second one waits until the first has ended
node infra/container/main.ts prepare   makes roles, schema and tables, then ends; run it before each release
node infra/container/main.ts job NAME  runs a job of functions/jobs.ts now, then ends

Each reads its settings from the environment. See docs/containers.md.`;

/** A part that runs until the container is stopped. */
export type Running = {
  /** Finishes what has begun. */
  stop(): Promise<void>;
};

/** An orchestrator kills a container 30 seconds after it asked it to end. */
const longestStopMs = 27_000;

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [command, ...more] = positionals;
  if (command === 'job' && more.length === 1) return runJob(more[0]!);
  if (more.length > 0 || !(command === 'http' || command === 'worker' || command === 'prepare')) {
    console.error(usage);
    process.exit(2);
  }
  await completeRuntime(command);
  if (command === 'prepare') {
    const { prepare } = await import('./prepare.ts');
    await prepare(say);
    process.exit(0);
  }
  const stopping = new AbortController();
  const end = endOnSignal(stopping);
  // Imported here, because they read the environment.
  const running: Running =
    command === 'http'
      ? await (await import('./http.ts')).startHttp(say)
      : await (await import('./worker.ts')).startWorker({
          say,
          signal: stopping.signal,
          onLost: () => process.exit(1),
        });
  end(running);
}

/** Sets what handlers have from Lambda elsewhere. What is imported here reads the environment. */
async function completeRuntime(command: Parameters<typeof completeEnvironment>[0]): Promise<void> {
  completeEnvironment(command);
  const { useAwsCredentials } = await import('../../lib/platform/config.ts');
  const { containerCredentials } = await import('./credentials.ts');
  useAwsCredentials(containerCredentials());
}

/** Runs a job in a process of its own, as `aws lambda invoke` does on AWS. It logs what it did. */
async function runJob(name: string): Promise<void> {
  await completeRuntime('job');
  const { jobs } = await import('../../functions/jobs.ts');
  const job = Object.values(jobs).find((each) => each.name === name);
  if (job === undefined) {
    console.error(`There is no job ${name}; there are ${Object.keys(jobs).join(', ')}.`);
    process.exit(2);
  }
  const { invoke } = await import('./invoke.ts');
  await invoke(job.handler, {}, job.timeoutSeconds);
  process.exit(0);
}

/** Stops what runs when the container is to end, or at once when that came before. */
function endOnSignal(stopping: AbortController): (running: Running) => void {
  const { promise, resolve } = Promise.withResolvers<Running>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      say(`${signal}: stopping`);
      stopping.abort();
      setTimeout(() => process.exit(1), longestStopMs).unref();
      void promise.then((running) => running.stop()).then(() => process.exit(0));
    });
  return resolve;
}

/** Lines as the handlers log them. */
const say = (message: string): void =>
  console.log(JSON.stringify({ level: 'INFO', message, timestamp: new Date().toISOString(), service: 'counterfoil' }));

main().catch((error: unknown) => {
  console.error(JSON.stringify({ level: 'ERROR', message: error instanceof Error ? error.stack : String(error) }));
  process.exit(1);
});
