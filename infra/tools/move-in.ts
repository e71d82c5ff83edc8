import { config } from '../../lib/platform/config.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { parseCommandLine, usage } from '../move-in/command-line.ts';
import { type Print, runCommand, type Stage } from '../move-in/commands.ts';
import { MoveInRefused } from '../move-in/errors.ts';

/** Runs one command line. @returns the exit code: 0 done, 1 refused or different, 2 invalid command line */
export async function runMoveIn(args: string[], stage: Stage, print: Print): Promise<number> {
  const line = parseCommandLine(args);
  if (line === undefined) {
    print.err(usage);
    return 2;
  }
  try {
    return await runCommand(line, stage, print);
  } catch (error) {
    if (!(error instanceof MoveInRefused)) throw error;
    print.err(error.message);
    return 1;
  }
}

if (import.meta.main) {
  const stage = {
    open: () => sqlAs('migrator'),
    ownPrefix: () => config().ORDER_NUMBER_PREFIX,
    sourcePassword: process.env.MOVE_IN_PASSWORD,
  };
  const { stdout } = process;
  let drawn = false;
  const out = (line: string) => {
    if (drawn) stdout.write('\n');
    drawn = false;
    console.log(line);
  };
  const draw = (line: string) => {
    drawn = true;
    stdout.write(`\r${line.padEnd(stdout.columns - 1).slice(0, stdout.columns - 1)}`);
  };
  process.exitCode = await runMoveIn(process.argv.slice(2), stage, {
    out,
    err: console.error,
    draw: stdout.isTTY ? draw : undefined,
  });
}
