import { Readable, Writable } from 'node:stream';
import postgres, { type Options, type PostgresType } from 'postgres';

/** How to reach a PostgreSQL: `host` may be the folder of a unix socket. */
export type Connection = Options<Record<string, PostgresType>>;

/** The copy of a running server that `BASE_BACKUP` sends. */
export type BaseBackup = {
  /** A tar file of the data folder, with the WAL that makes it consistent. Read it to its end. */
  tar: Readable;
  /** PostgreSQL's own manifest of the copy. Resolves when the tar file has been read. */
  manifest: Promise<{ timeline: number; startLsn: string; endLsn: string }>;
};

/**
 * Takes a base backup by the replication protocol, as pg_basebackup does, and hands it to `use`.
 * @param onProgress gets the bytes so far
 * @throws the server's error, such as 42501 when the user may not replicate; Error when a page has a wrong checksum
 */
export async function withBaseBackup<T>(
  connection: Connection,
  label: string,
  use: (backup: BaseBackup) => Promise<T>,
  onProgress: (bytes: number) => void = () => {},
): Promise<T> {
  const warnings: string[] = [];
  const sql = postgres({
    ...connection,
    max: 1,
    fetch_types: false,
    max_lifetime: null,
    // The server says in a warning which page is damaged, and its error comes when the driver no longer listens.
    onnotice: (notice) => void (notice.code === 'XX001' && warnings.push(String(notice.message))),
    connection: { ...connection.connection, replication: 'true' } as never,
  });
  try {
    const options = `LABEL '${label}', PROGRESS true, CHECKPOINT 'fast', WAL true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'NONE'`;
    const messages = await sql.unsafe(`BASE_BACKUP (${options})`).simple().readable();
    const { tar, manifest } = split(messages, onProgress);
    const [result] = await Promise.all([use({ tar, manifest }), manifest]);
    if (warnings.length > 0) throw new Error(`the database is damaged: ${warnings[0]}`);
    return result;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/**
 * Takes the stream of CopyData messages apart. Each begins with a letter: `n` a new archive, `m` the manifest, `d` content,
 * `p` progress. https://www.postgresql.org/docs/current/protocol-replication.html
 */
function split(messages: Readable, onProgress: (bytes: number) => void): BaseBackup {
  const manifest = Promise.withResolvers<Awaited<BaseBackup['manifest']>>();
  manifest.promise.catch(() => {}); // Whoever reads the tar file sees the error there.
  const manifestText: Buffer[] = [];
  let archives = 0;
  let inManifest = false;
  let bytes = 0;
  let resume = () => {};
  const tar = new Readable({ read: () => resume() });
  const take = (message: Buffer): boolean => {
    const [kind, content] = [String.fromCharCode(message[0]!), message.subarray(1)];
    if (kind === 'n' && ++archives > 1) throw new Error('it has tablespaces, which cannot be backed up');
    if (kind === 'm') inManifest = true;
    if (kind === 'd' && inManifest) manifestText.push(content);
    if (kind === 'd' && !inManifest) {
      bytes += content.length;
      onProgress(bytes);
      return tar.push(content);
    }
    if (!'nmdp'.includes(kind)) throw new Error(`the server sent an unknown message (${kind})`);
    return true;
  };
  const fail = (error: Error) => {
    manifest.reject(error);
    tar.destroy(error);
  };
  // Piped, and not iterated: iterating joins messages that wait.
  const sink = new Writable({
    objectMode: true,
    write(message: Buffer, _encoding, done) {
      try {
        if (take(message)) return done();
        resume = () => {
          resume = () => {};
          done();
        };
      } catch (error) {
        done(error as Error);
      }
    },
    final(done) {
      try {
        manifest.resolve(parseManifest(Buffer.concat(manifestText).toString()));
        tar.push(null);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  sink.on('error', fail);
  messages.on('error', fail);
  messages.pipe(sink);
  tar.on('close', () => {
    if (!sink.writableFinished) messages.destroy();
  });
  return { tar, manifest: manifest.promise };
}

function parseManifest(text: string) {
  const { 'WAL-Ranges': ranges } = JSON.parse(text) as {
    'WAL-Ranges': { Timeline: number; 'Start-LSN': string; 'End-LSN': string }[];
  };
  const first = ranges[0]!;
  return { timeline: first.Timeline, startLsn: first['Start-LSN'], endLsn: ranges.at(-1)!['End-LSN'] };
}

/** The file of the WAL that holds a position (`2/1F00028`). */
export function walFileOf(timeline: number, lsn: string, segmentBytes: number): string {
  const [high = '', low = ''] = lsn.split('/');
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');
  return `${hex(timeline)}${high.toUpperCase().padStart(8, '0')}${hex(Math.floor(Number.parseInt(low, 16) / segmentBytes))}`;
}
