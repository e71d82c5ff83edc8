import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareDemo } from '../../infra/local/demo.ts';
import { resetStack, startStack } from '../../infra/local/stack.ts';

/** Starts the whole product on a free port, with its data in this folder. */
export async function startLaptop(directory: string, settings: Record<string, string>) {
  const stack = await startStack({
    directory,
    port: 0,
    identityPort: 0,
    settings,
    log: (line) => console.log(`· ${line}`),
    onCrash: (error) => {
      console.error(error);
      process.exit(1);
    },
  });
  const [{ appKey, clientId, issuer }] = await Promise.all([
    prepareDemo(stack, directory),
    stack.inside.runJob('refresh-issuer-keys'),
  ]);
  const identity = issuer === undefined ? null : { issuer, clientId };
  const logs = [join(directory, 'functions.log'), join(directory, 'postgres/server.log')];
  return { baseUrl: stack.baseUrl, appKey, identity, logs, stop: stack.stop };
}

/** Removes what `startLaptop` kept in its folder, and the folder. */
export async function removeLaptop(directory: string): Promise<void> {
  await resetStack(directory);
  await rm(directory, { recursive: true, force: true });
}
