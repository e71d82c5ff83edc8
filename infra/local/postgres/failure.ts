import { basename } from 'node:path';
import { DiskFull, PostgresExited, UnusableBinary } from './errors.ts';

/** The line of a program's output that says most about why it ended. */
export function tellingLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim());
  const telling = lines.findLast((line) => /\b(PANIC|FATAL)\b|error:/.test(line)) ?? lines.findLast(isError);
  return (telling ?? lines.at(-1) ?? '')
    .replace(/^.*?\[\d+\] /, '')
    .trim()
    .replace(/\.$/, '');
}

/** Why a PostgreSQL program did not run on a data folder, from the system's error or the telling line of its output. */
export function toStartError(
  file: string,
  data: string,
  error: NodeJS.ErrnoException | undefined,
  line: string,
): Error {
  const program = basename(file);
  if (error?.code === 'EPERM' || error?.code === 'EINVAL')
    return new UnusableBinary('PostgreSQL does not run as root, and root may not become another user here.', {
      cause: error,
    });
  if (error || /error while loading shared libraries|Exec format error/.test(line))
    return new UnusableBinary(
      `PostgreSQL's program ${file} does not run on this machine (${error?.code ?? line}); it needs glibc or macOS.`,
      { cause: error },
    );
  if (/No space left on device|Disk quota exceeded/.test(line)) return new DiskFull(data);
  return new PostgresExited(program, line);
}

const isError = (line: string): boolean => /\bERROR\b/.test(line);
