import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a laptop's metrics have in their dimension `stage`. */
export const localStage = 'local';

/**
 * Writes the functions' variables, for tools that work on the running stack: `sh infra/node24.sh node
 * --env-file=.local/functions.env infra/tools/apps.ts list`.
 */
export async function writeEnvironment(directory: string, env: Record<string, string>): Promise<void> {
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(directory, 'functions.env'), lines.join(''), { mode: 0o600 });
}
