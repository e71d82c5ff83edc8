/** Why the local PostgreSQL could not be started or removed: each message is one sentence for the person at the terminal. */
export abstract class LocalPostgresError extends Error {
  abstract override readonly name: string;
}

/** No package with binaries for this machine is installed, or there is none. */
export class MissingBinary extends LocalPostgresError {
  override readonly name = 'MissingBinary';
}

/** The binaries are there and do not run here. */
export class UnusableBinary extends LocalPostgresError {
  override readonly name = 'UnusableBinary';
}

/** Another supervisor that is alive owns the data. */
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
      `The PostgreSQL data in ${folder} cannot be used (${detail}): "npm start -- --reset" throws it away and starts over.`,
      options,
    );
    this.folder = folder;
  }
}

/** The user that PostgreSQL runs as, or this process, may not open a folder it needs. */
export class FolderRefused extends LocalPostgresError {
  override readonly name = 'FolderRefused';
}

/** No room left on the disk. */
export class DiskFull extends LocalPostgresError {
  override readonly name = 'DiskFull';
  constructor(folder: string, options?: ErrorOptions) {
    super(`The disk that holds ${folder} is full: free some space and start again.`, options);
  }
}

/** PostgreSQL, or the tool that makes its data folder, ended when it should have gone on. */
export class PostgresExited extends LocalPostgresError {
  override readonly name = 'PostgresExited';
  /** The line of the log that tells most. */
  readonly lastLine: string;
  constructor(program: string, lastLine: string) {
    super(`${program} stopped while starting: ${lastLine || 'it gave no reason'}.`);
    this.lastLine = lastLine;
  }
}

/** Turns what the system says of a full disk or a refused folder into one of the errors above. */
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
