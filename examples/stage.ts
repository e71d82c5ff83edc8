import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Which Counterfoil an example calls, and what it needs for that. */
export type Stage = {
  /** Address of the API. */
  baseUrl: string;
  /** Id of a `web` application. */
  clientId?: string;
  /** Key of a `server` application. */
  appKey?: string;
  /** Signs in to the shop; known on a laptop only. */
  customer?: { email: string; password: string };
};

/** Options of an example's command line, for `parseArgs`. */
export const stageOptions = {
  demo: { type: 'string', default: join(import.meta.dirname, '../.local/demo.json') },
  url: { type: 'string' },
  'client-id': { type: 'string' },
  'app-key': { type: 'string' },
} as const;

/**
 * The stage that the command line names: by `--url` with `--client-id` or `--app-key`, or else by `--demo`, a file that `npm start`
 * writes. @throws Error with one sentence for whoever runs the example
 */
export async function readStage(values: {
  demo: string;
  url?: string | undefined;
  'client-id'?: string | undefined;
  'app-key'?: string | undefined;
}): Promise<Stage> {
  const { demo, url, 'client-id': clientId, 'app-key': appKey } = values;
  if (url !== undefined) {
    return { baseUrl: url.replace(/\/+$/, ''), ...(clientId && { clientId }), ...(appKey && { appKey }) };
  }
  const text = await readFile(demo, 'utf8').catch(() => {
    throw new Error(`${demo} does not exist: run npm start in another terminal, or say --url.`);
  });
  return JSON.parse(text) as Stage;
}
