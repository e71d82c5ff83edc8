import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadEnvFile } from 'node:process';
import { systemClock } from '../../../lib/kernel/clock.ts';
import { sqlAs } from '../../../lib/platform/sql.ts';
import type { Patient } from './check.ts';

/** A laptop's stack, by the files that it writes into its folder. Its variables become those of this process. */
export async function patientOf(directory: string): Promise<Patient> {
  const readJson = async (name: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(directory, name), 'utf8').catch(() => '{}'));
  const { baseUrl } = await readJson('demo.json');
  const { ahead } = await readJson('clock.json');
  try {
    loadEnvFile(join(directory, 'functions.env'));
  } catch {
    // The check of the stack says that it has never run.
  }
  return {
    url: typeof baseUrl === 'string' ? baseUrl : undefined,
    directory,
    now: () => systemClock.now() + (typeof ahead === 'number' ? ahead * 1000 : 0),
    sql: sqlAs,
  };
}
