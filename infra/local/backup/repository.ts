import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { Damaged, explainDisk, RepositoryUnusable, WrongKey } from './errors.ts';
import { authenticate, readKeyFile, seal, unseal } from './seal.ts';

/** A folder of backups: `base/<id>/` for each base backup, `wal/<line>/` for the segments that continue them. */
export type Repository = {
  folder: string;
  /** Undefined when the repository is not encrypted. */
  key: Buffer | undefined;
  keyFile: string | undefined;
  /** Opens a file for writing that must not exist. Tests put in a disk that is full. */
  create: (file: string) => WriteStream;
};

/** A base backup. Times are those of the server's clock, as are those of its transactions. */
export type Manifest = {
  format: 1;
  id: string;
  startedAt: string;
  /** The earliest time that it can be restored to. */
  endedAt: string;
  /** Major version. */
  postgres: string;
  systemId: string;
  /** The run of WAL that continues it; undefined when none is archived. */
  line?: string;
  /** The first WAL segment that a restore needs. */
  startSegment: string;
  segmentBytes: number;
  /** Of the tar file, before compression. */
  bytes: number;
  sha256: string;
  storedBytes: number;
};

type Description = { format: 1; encrypted: boolean; check?: string };

const checkText = 'counterfoil repository';

/** Opens a repository, or makes one when `make` says so. Throws RepositoryUnusable, WrongKey. */
export async function openRepository(
  folder: string,
  { keyFile, make = false }: { keyFile?: string | undefined; make?: boolean } = {},
): Promise<Repository> {
  const key = keyFile === undefined ? undefined : await readKeyFile(keyFile);
  const file = join(folder, 'repository.json');
  const known = await readDescription(file);
  if (known === undefined) {
    if (!make) throw new RepositoryUnusable(`${folder} holds no backups.`);
    if ((await readdir(folder).catch(() => [])).length > 0)
      throw new RepositoryUnusable(`${folder} holds other files: name an empty folder for the backups.`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const made: Description = {
      format: 1,
      encrypted: key !== undefined,
      ...(key && { check: authenticate(key, checkText) }),
    };
    await writeFile(file, `${JSON.stringify(made)}\n`, { mode: 0o600 });
  } else if (known.encrypted && key === undefined) {
    throw new WrongKey(`The backups in ${folder} are encrypted: name their key with --key FILE.`);
  } else if (!known.encrypted && key !== undefined) {
    throw new WrongKey(`The backups in ${folder} are not encrypted: name another folder for encrypted ones.`);
  } else if (key !== undefined && authenticate(key, checkText) !== known.check) {
    throw new WrongKey(`${keyFile} is not the key of the backups in ${folder}.`);
  }
  const create = (path: string) => createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
  return { folder, key, keyFile, create };
}

async function readDescription(file: string): Promise<Description | undefined> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new RepositoryUnusable(`${dirname(file)} cannot be opened (${cause.code}).`, { cause });
  });
  if (text === undefined) return undefined;
  try {
    const read = JSON.parse(text) as Description;
    if (read.format === 1) return read;
  } catch {
    throw new RepositoryUnusable(`${file} is damaged.`);
  }
  throw new RepositoryUnusable(`${dirname(file)} was made by a later version of Counterfoil.`);
}

/** What was stored: size and SHA-256 before compression, and the size on disk. */
export type Stored = { bytes: number; sha256: string; storedBytes: number };

/**
 * Stores a stream, compressed and, if the repository is, encrypted. The file appears under its name when it is whole and on
 * disk; `nameOf` may use its checksum. Nothing is left when this fails. Throws NoSpace, and what the source throws.
 */
export async function store(
  { folder, key, create }: Repository,
  source: Readable,
  nameOf: (sha256: string) => string,
): Promise<Stored> {
  const directory = join(folder, dirname(nameOf('')));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = join(directory, `draft-${randomBytes(6).toString('hex')}`);
  const measured = measure();
  try {
    // Encrypted under the name without a checksum, which is not known yet.
    const encrypt = key === undefined ? [] : [seal(key, nameOf(''))];
    await pipeline([source, measured.stream, createZstdCompress(), ...encrypt, create(draft)]);
    const { bytes, sha256 } = measured.result();
    const { size: storedBytes } = await stat(draft);
    await rename(draft, join(folder, nameOf(sha256)));
    await syncFolder(directory);
    return { bytes, sha256, storedBytes };
  } catch (error) {
    await rm(draft, { force: true });
    throw explainDisk(error, folder);
  }
}

/** Where content goes that is only looked at. */
export const discard = () => new Writable({ write: (_chunk, _encoding, done) => done() });

/** The content of a stored file. It ends with Damaged unless it is what was stored. */
export function read(
  { folder, key }: Repository,
  name: string,
  { sealedAs = name, sha256 }: { sealedAs?: string; sha256: string },
): Readable {
  const measured = measure((found) => {
    if (found !== sha256) throw new Damaged(`${basename(name)} does not match its checksum.`);
  });
  const decrypt = key === undefined ? [] : [unseal(key, sealedAs)];
  // What fails on the way destroys all streams of the pipeline with its own error, so the content goes through another one.
  pipeline([createReadStream(join(folder, name)), ...decrypt, createZstdDecompress(), measured.stream]).catch(() => {});
  return Readable.from(explained(measured.stream, name), { objectMode: false });
}

async function* explained(content: Readable, name: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of content) yield chunk as Buffer;
  } catch (error) {
    throw toDamaged(error as NodeJS.ErrnoException, name);
  }
}

function toDamaged(error: NodeJS.ErrnoException, name: string): Error {
  if (error instanceof Damaged) return error;
  if (error.code === 'ENOENT') return new Damaged(`${name} is missing.`, { cause: error });
  return /ZSTD|zstd|ERR_ZLIB|Z_BUF_ERROR/.test(`${error.code} ${error.message}`)
    ? new Damaged(`${basename(name)} is damaged.`, { cause: error })
    : error;
}

/** Counts and hashes what passes. `check` may refuse at the end. */
function measure(check: (sha256: string) => void = () => {}) {
  const hash = createHash('sha256');
  let bytes = 0;
  let sha256 = '';
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
    flush(done) {
      sha256 = hash.digest('hex');
      try {
        check(sha256);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  return { stream, result: () => ({ bytes, sha256 }) };
}

export async function writeManifest({ folder, key }: Repository, manifest: Manifest): Promise<void> {
  const text = JSON.stringify(manifest);
  const signed = key === undefined ? { manifest: text } : { manifest: text, mac: authenticate(key, text) };
  const file = join(folder, 'base', manifest.id, 'manifest.json');
  try {
    await writeFile(`${file}.draft`, `${JSON.stringify(signed)}\n`, { mode: 0o600, flush: true });
    await rename(`${file}.draft`, file);
  } catch (error) {
    throw explainDisk(error, folder);
  }
}

/** Every complete base backup, the oldest first. Throws Damaged when a manifest is. */
export async function listBackups(repository: Repository): Promise<Manifest[]> {
  const ids = (await readdir(join(repository.folder, 'base')).catch(() => [])).sort();
  const found: Manifest[] = [];
  for (const id of ids) {
    const text = await readFile(join(repository.folder, 'base', id, 'manifest.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) found.push(parseManifest(repository, id, text));
  }
  return found;
}

function parseManifest({ key }: Repository, id: string, text: string): Manifest {
  try {
    const { manifest, mac } = JSON.parse(text) as { manifest: string; mac?: string };
    if (key !== undefined && mac !== authenticate(key, manifest)) throw new Error('not authentic');
    const parsed = JSON.parse(manifest) as Manifest;
    if (parsed.id !== id) throw new Error('of another backup');
    return parsed;
  } catch (cause) {
    throw new Damaged(`The manifest of backup ${id} is damaged.`, { cause });
  }
}

/** The name of a base backup's tar file. */
export const baseFile = (id: string): string => `base/${id}/base.tar.zst`;

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}
