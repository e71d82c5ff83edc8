/** Why a backup, a restore or a check did not work. Each message is a sentence for the person at the terminal. */
export abstract class BackupError extends Error {
  abstract override readonly name: string;
}

/** The command line is not valid. */
export class InvalidUsage extends BackupError {
  override readonly name = 'InvalidUsage';
}

/** The PostgreSQL to back up does not answer, or does not let this user take a backup. */
export class SourceRefused extends BackupError {
  override readonly name = 'SourceRefused';
}

/** The repository is missing, is none, or was made by a later version. */
export class RepositoryUnusable extends BackupError {
  override readonly name = 'RepositoryUnusable';
}

/** The key file is missing, is none, or is not the one of this repository. */
export class WrongKey extends BackupError {
  override readonly name = 'WrongKey';
}

/** A stored file is damaged: it does not match its checksum, or was changed. */
export class Damaged extends BackupError {
  override readonly name = 'Damaged';
}

/** No backup reaches the point in time that was asked for. */
export class PointUnreachable extends BackupError {
  override readonly name = 'PointUnreachable';
}

/** The target of a restore is not empty. Nothing was written. */
export class TargetNotEmpty extends BackupError {
  override readonly name = 'TargetNotEmpty';
  constructor(folder: string) {
    super(`${folder} is not empty, so nothing was restored: name a folder that is empty or does not exist.`);
  }
}

/** The backup was made by another major version of PostgreSQL than the one installed here. */
export class OtherVersion extends BackupError {
  override readonly name = 'OtherVersion';
}

/** A disk is full, or has too little space for what is to be written. */
export class NoSpace extends BackupError {
  override readonly name = 'NoSpace';
}

/** Turns the system's error about a full disk into NoSpace. */
export function explainDisk(error: unknown, folder: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new NoSpace(`The disk that holds ${folder} is full: nothing was kept of what was written.`, { cause: error })
    : error;
}
