import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandFailed, run } from '../deploy/command.ts';
import type { Emulator } from '../deploy/emulator.ts';

let emulator: Emulator;

beforeAll(async () => {
  const home = await mkdtemp(join(tmpdir(), 'counterfoil-command-'));
  emulator = { home, environment: { AWS_REGION: 'eu-west-1' } } as unknown as Emulator;
});
afterAll(() => rm(emulator.home, { recursive: true, force: true }));

test('a command has the account, variables of its own and what is typed, and its output is kept', async () => {
  const script = 'read -r TYPED; echo "$AWS_REGION $OWN $TYPED in $PWD"';
  const printed = await run(emulator, 'bash', ['-c', script], {
    folder: emulator.home,
    input: 'yes\n',
    variables: { OWN: 'mine' },
  });
  expect(printed).toBe(`eu-west-1 mine yes in ${emulator.home}\n`);
  expect(await readFile(join(emulator.home, 'commands.log'), 'utf8')).toContain(printed);
});

test('a command that fails says how, and what it printed', async () => {
  const failed = run(emulator, 'bash', ['-c', 'echo planted; exit 3']);
  await expect(failed).rejects.toThrow(CommandFailed);
  await expect(failed).rejects.toThrow(/ended with 3:\nplanted/);
});

test('a command that hangs ends with all that it started', async () => {
  const hanging = run(emulator, 'bash', ['-c', 'sleep 1000; echo never'], { hangMs: 300 });
  await expect(hanging).rejects.toThrow(/ended with SIGKILL/);
});
