import { basename } from 'node:path';

/** Why the local PostgreSQL cannot be started or removed. Each message is a sentence for the person at the terminal. */
export abstract class LocalPostgresError extends Error {
  abstract override readonly name: string;
}

/** No package with binaries for this machine is installed, or none exists. */
export class MissingBinary extends LocalPostgresError {
  override readonly name = 'MissingBinary';
}

/** The binaries are installed but do not run on this machine. */
export class UnusableBinary extends LocalPostgresError {
  override readonly name = 'UnusableBinary';
}

/** Another process that is alive supervises the data. */
export class DataInUse extends LocalPostgresError {
  override readonly name = 'DataInUse';
  readonly pid: number;
  constructor(folder: string, pid: number) {
    super(`The PostgreSQL data in ${folder} is in use by process ${pid}: stop that one first.`);
    this.pid = pid;
  }
}

/** The data folder is damaged, gone or made by another version. */
export class DataCorrupt extends LocalPostgresError {
  override readonly name = 'DataCorrupt';
  readonly folder: string;
  constructor(folder: string, detail: string, options?: ErrorOptions) {
    super(
      `The PostgreSQL data in ${folder} cannot be used (${detail}): start over with "npm start -- --reset", which deletes it.`,
      options,
    );
    this.folder = folder;
  }
}

/** The user that PostgreSQL runs as, or this process, may not open a folder that it needs. */
export class FolderRefused extends LocalPostgresError {
  override readonly name = 'FolderRefused';
}

/** No space is left on the disk. */
export class DiskFull extends LocalPostgresError {
  override readonly name = 'DiskFull';
  constructor(folder: string, options?: ErrorOptions) {
    super(`The disk that holds ${folder} is full: free some space and start again.`, options);
  }
}

/** PostgreSQL, or the tool that makes its data folder, ended while it should be running. */
export class PostgresExited extends LocalPostgresError {
  override readonly name = 'PostgresExited';
  /** The line of the log that says most. */
  readonly lastLine: string;
  constructor(program: string, lastLine: string) {
    super(`${program} stopped while starting: ${lastLine || 'it gave no reason'}.`);
    this.lastLine = lastLine;
  }
}

/** Turns the system's error about a full disk or a refused folder into one of the errors above. */
export function explain(error: unknown, folder: string): unknown {
  if (error instanceof LocalPostgresError) return error;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DiskFull(folder, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new FolderRefused(`This user may not write to ${path ?? folder}: start as the user that owns it.`, {
      cause: error,
    });
  return error;
}

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
