/** A problem of the migrations or of their history. What the caller's `applied` names stays done; nothing else was. */
export abstract class MigrationError extends Error {
  abstract override readonly name: string;
}

/** The folder does not exist or holds no migration. */
export class MigrationsNotFound extends MigrationError {
  override readonly name = 'MigrationsNotFound';
  constructor(directory: string, options?: ErrorOptions) {
    super(`there are no migrations in ${directory}: ship lib/database/migrations beside the code`, options);
  }
}

/** A file's name does not follow the pattern. */
export class MisnamedMigration extends MigrationError {
  override readonly name = 'MisnamedMigration';
  constructor(file: string) {
    super(`${file} is not named NNNN_what_it_does.up.sql or NNNN_what_it_does.down.sql: rename or remove it`);
  }
}

/** Two migrations have the same number. */
export class DuplicateMigration extends MigrationError {
  override readonly name = 'DuplicateMigration';
  constructor(file: string, other: string) {
    super(`${file} and ${other} have the same number: give the one that is not applied anywhere the next free one`);
  }
}

/** An up file without its down file, or the other way round. */
export class UnpairedMigration extends MigrationError {
  override readonly name = 'UnpairedMigration';
  constructor(file: string, missing: string) {
    super(`${file} has no ${missing} beside it: write it`);
  }
}

/** A number is missing among the files, or among the applied migrations. */
export class MigrationGap extends MigrationError {
  override readonly name = 'MigrationGap';
}

/** A file holds a statement that cannot run in the migrator's transaction. */
export class RefusedStatement extends MigrationError {
  override readonly name = 'RefusedStatement';
  constructor(file: string, line: number, statement: string) {
    const advice = statement.includes('concurrently')
      ? 'see "Indexes on large tables" in docs/migrations.md'
      : 'remove it, for the migrator opens and ends the transaction';
    super(`${file} line ${line} says "${statement}", but a migration runs in one transaction: ${advice}`);
  }
}

/** The database was made with a different series of migrations: one from before the first release. */
export class ReplacedBaseline extends MigrationError {
  override readonly name = 'ReplacedBaseline';
  constructor(applied: string, first: string) {
    super(
      `the database starts with ${applied} and this release with ${first}: a database from before the first release cannot be migrated, so start with an empty one`,
    );
  }
}

/** A file differs from what was applied. */
export class ChangedMigration extends MigrationError {
  override readonly name = 'ChangedMigration';
  constructor(file: string, what: string) {
    super(
      `${file} ${what} since it was applied: put it back as it was, and write what should change as a new migration`,
    );
  }
}

/** The database has a migration whose file is missing. */
export class MissingMigration extends MigrationError {
  override readonly name = 'MissingMigration';
  constructor(name: string, kind: 'up' | 'data' = 'up') {
    super(`${name} is applied but ${name}.${kind}.sql is not there: put the file back`);
  }
}

/** A migration needs the data of another, which has none or comes later. */
export class UnknownDataMigration extends MigrationError {
  override readonly name = 'UnknownDataMigration';
  constructor(file: string, needed: string) {
    super(`${file} needs data of ${needed}, but there is no earlier ${needed}.data.sql: correct the name`);
  }
}

/** A migration contracts what a data migration still needs. */
export class DataMigrationUnfinished extends MigrationError {
  override readonly name = 'DataMigrationUnfinished';
  constructor(file: string, needed: string) {
    super(
      `${file} needs data of ${needed}, which is not finished: wait for it, or run npm run migrate -- data run ${needed} (npm run migrate -- status says how far it is); nothing of the file was applied`,
    );
  }
}

/** The database is newer than this code. */
export class UnknownMigration extends MigrationError {
  override readonly name = 'UnknownMigration';
  constructor(name: string, newest: string) {
    super(
      `${name} is applied but this release ends with ${newest}: deploy the release that has it, or let that release go down to ${newest} first`,
    );
  }
}

/** The target version does not exist, or lies on the wrong side. */
export class UnknownTarget extends MigrationError {
  override readonly name = 'UnknownTarget';
}

/** PostgreSQL refused a statement, and the whole file was rolled back. */
export class MigrationFailed extends MigrationError {
  override readonly name = 'MigrationFailed';
  constructor(file: string, line: number | undefined, message: string, options?: ErrorOptions) {
    const place = line === undefined ? file : `${file} line ${line}`;
    super(`${place}: ${message}; nothing of this file was kept, so correct it and run it again`, options);
  }
}

/** Other transactions held a lock that the migration needs, in every attempt. */
export class MigrationBlocked extends MigrationError {
  override readonly name = 'MigrationBlocked';
  constructor(file: string, attempts: number, options?: ErrorOptions) {
    super(
      `${file} did not get its locks in ${attempts} attempts, because other transactions hold them; nothing of it was kept, so run it again when they have ended (pg_stat_activity shows them)`,
      options,
    );
  }
}
