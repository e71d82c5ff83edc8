import { readdirSync, readFileSync } from 'node:fs';
import { shippedMigrations } from '../../lib/database/migrate.ts';

/** A stage that sells would lose data that nobody has approved of losing. */
export class DataLossNotApproved extends Error {
  override readonly name = 'DataLossNotApproved';
}

/**
 * Checks that each migration with an exception for `data-loss` was approved by name, and nothing else.
 * @param files the texts of migrations by file name
 * @throws DataLossNotApproved saying what to pass
 */
export function checkApprovals(approved: readonly string[], files: Record<string, string> = shippedFiles()): void {
  const losing = Object.entries(files)
    .filter(([file, text]) => file.endsWith('.up.sql') && /^\s*--\s*lint allow data-loss\b/m.test(text))
    .map(([file]) => file.replace('.up.sql', ''));
  const missing = losing.filter((name) => !approved.includes(name));
  if (missing.length > 0) {
    const all = [...approved, ...missing].join(',');
    throw new DataLossNotApproved(
      `migration ${missing.join(', ')} loses data: when you have read it, pass -c approveDataLoss=${all}`,
    );
  }
  const other = approved.find((name) => !losing.includes(name));
  if (other !== undefined) throw new DataLossNotApproved(`approveDataLoss names ${other}, which loses no data`);
}

const shippedFiles = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(shippedMigrations).map((file) => [file, readFileSync(new URL(file, shippedMigrations), 'utf8')]),
  );
