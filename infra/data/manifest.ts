import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { TransferRefused } from './errors.ts';

const table = z.object({
  name: z.string().regex(/^[a-z_]+\.[a-z0-9_]+$/),
  columns: z.array(z.string()),
  rows: z.number().int().nonnegative(),
  /** Of each column of numbers, as text: sums may be larger than JavaScript's safe integers. */
  sums: z.record(z.string(), z.string()),
  /** Of the file. */
  sha256: z.string(),
});

/** What an export holds. It is written last: a folder without it is no export. */
const manifest = z.object({
  format: z.literal(1),
  exportedAt: z.iso.datetime(),
  /** The migrations of the schema, by name. */
  migrations: z.array(z.string()),
  tables: z.array(table),
});
export type Manifest = z.output<typeof manifest>;

export const manifestFile = (folder: string): string => join(folder, 'manifest.json');
export const rowsFile = (folder: string, name: string): string => join(folder, `${name}.ndjson`);

/** Throws TransferRefused. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(manifestFile(folder), 'utf8').catch((cause) => {
    throw new TransferRefused(`${folder} holds no export, or one that did not finish.`, { cause });
  });
  try {
    return manifest.parse(JSON.parse(text));
  } catch (cause) {
    throw new TransferRefused(`${manifestFile(folder)} is damaged, or of a later version.`, { cause });
  }
}
