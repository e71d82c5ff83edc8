import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type PostgresRelay = {
  /** Folder of its unix socket, for a pool's `host`. */
  host: string;
  /**
   * Cuts the connection at a request, counted from 1 from now on: before request `at` reaches the server, or after the
   * server has executed it and before its answer arrives. `disarm` returns whether the connection was cut.
   */
  cut(where: 'before request' | 'before answer', at: number): { disarm(): boolean };
  stop(): Promise<void>;
};

type Trap = { where: 'before request' | 'before answer'; left: number; sprung: boolean };

/**
 * A relay between a pool and the PostgreSQL behind a unix socket. It reads the messages and can cut the connection
 * between any two of them. https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export async function startPostgresRelay(socketPath: string): Promise<PostgresRelay> {
  const host = await mkdtemp(join(tmpdir(), 'pg-relay-'));
  const sockets = new Set<Socket>();
  let trap: Trap | undefined;

  const springs = (where: Trap['where']): boolean => {
    if (trap?.where !== where || --trap.left > 0) return false;
    trap.sprung = true;
    trap = undefined;
    return true;
  };

  const server = createServer((client) => {
    const upstream = connect(socketPath);
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    // A session's first message has no kind. Its first answer is ReadyForQuery.
    const requests = messages(true);
    const answers = messages(false);
    let isReady = false;
    let answer: Buffer[] = [];
    client.on('data', (chunk) => {
      for (const { kind, bytes } of requests(chunk)) {
        if (endsRequest.has(kind) && springs('before request')) return cut();
        upstream.write(bytes);
      }
    });
    upstream.on('data', (chunk) => {
      for (const { kind, bytes } of answers(chunk)) {
        answer.push(bytes);
        if (isReady && partOfResult.has(kind)) continue;
        if (kind === 'Z' && isReady && springs('before answer')) return cut();
        if (kind === 'Z') isReady = true;
        client.write(Buffer.concat(answer));
        answer = [];
      }
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
  });
  server.listen(join(host, '.s.PGSQL.5432'));
  await once(server, 'listening');

  return {
    host,
    cut(where, at) {
      const mine: Trap = { where, left: at, sprung: false };
      trap = mine;
      return {
        disarm() {
          if (trap === mine) trap = undefined;
          return mine.sprung;
        },
      };
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(host, { recursive: true, force: true });
    },
  };
}

type Message = { kind: string; bytes: Buffer };

/** Query, Sync and Flush: the client waits for an answer. */
const endsRequest = new Set(['Q', 'S', 'H']);
/** BindComplete, DataRow, CommandComplete, EmptyQueryResponse: held until the server is ready again. */
const partOfResult = new Set(['2', 'D', 'C', 'I']);

/** Splits a stream into messages. A client's first message has no kind. */
function messages(startsWithoutKind: boolean): (chunk: Buffer) => Message[] {
  let rest = Buffer.alloc(0);
  let bare = startsWithoutKind;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const found: Message[] = [];
    for (;;) {
      const head = bare ? 0 : 1;
      if (rest.length < head + 4) return found;
      const length = head + rest.readInt32BE(head);
      if (rest.length < length) return found;
      found.push({ kind: bare ? 'startup' : String.fromCharCode(rest[0]!), bytes: rest.subarray(0, length) });
      rest = rest.subarray(length);
      bare = false;
    }
  };
}
