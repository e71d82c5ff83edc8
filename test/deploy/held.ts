import { join } from 'node:path';
import { run } from './command.ts';
import type { Emulator } from './emulator.ts';

const tool = join(import.meta.dirname, 'emulator/account.py');

/** The names of what the account holds, each with its service: `lambda function-name`. */
export const held = async (emulator: Emulator): Promise<string[]> =>
  JSON.parse(await run(emulator, 'python', [tool, 'held'])) as string[];

/** Sets an alarm. */
export const setAlarm = (emulator: Emulator, alarm: string, state: 'ALARM' | 'OK'): Promise<string> =>
  run(emulator, 'python', [tool, 'alarm', alarm, state]);
