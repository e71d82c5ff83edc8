import { join } from 'node:path';
import { run } from './command.ts';
import type { Emulator } from './emulator.ts';

const tool = join(import.meta.dirname, 'emulator/account.py');

/** The names of what the account holds, each with its service: `lambda function-name`. */
export const held = async (emulator: Emulator): Promise<string[]> =>
  JSON.parse(await run(emulator, 'python', [tool, 'held'])) as string[];

/** The log of the function that empties buckets, which stays, as docs/deploy.md says. */
export const ofEmptying = /^logs .*CustomS3AutoDeleteObjects/;

/** Makes a bus of events, as a shop has one. */
export const makeBus = (emulator: Emulator, name: string): Promise<string> =>
  run(emulator, 'python', [tool, 'bus', name]);

/** Puts a file into a bucket. */
export const putFile = (emulator: Emulator, bucket: string): Promise<string> =>
  run(emulator, 'python', [tool, 'file', bucket]);

/** Sets an alarm. */
export const setAlarm = (emulator: Emulator, alarm: string, state: 'ALARM' | 'OK'): Promise<string> =>
  run(emulator, 'python', [tool, 'alarm', alarm, state]);
