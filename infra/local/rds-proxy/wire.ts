import type { Socket } from 'node:net';

/** The connection is refused. `code` (SQLSTATE) and `message` go to the client, `reason` to the log alone. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly reason: string;
  constructor(code: string, message: string, reason: string = message) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/**
 * RDS Proxy's message for every token that it refuses. The reason is for the log alone, so that a guess reveals
 * nothing.
 */
export const iamRefusal = (user: string, reason: string): Refusal =>
  new Refusal(
    '28P01',
    `The IAM authentication failed for the role ${user}. Check the IAM token for this role and try again.`,
    reason,
  );

/** RDS Proxy's message for a feature that it lacks. */
export const unsupported = (what: string): Refusal => new Refusal('0A000', `Feature not supported: RDS Proxy ${what}`);

/** The client does not speak PostgreSQL's protocol. */
export const violation = (reason: string): Refusal => new Refusal('08P01', 'protocol violation', reason);

/** First words of PostgreSQL's untyped messages (protocol.html, "Message Formats"). */
export const requestCode = { ssl: 80877103, gss: 80877104, cancel: 80877102, protocol3: 3 } as const;

/** The largest startup packet and password that PostgreSQL takes, in bytes. */
export const longestStartup = 10_000;
export const longestPassword = 65_535;

export const authenticationCleartextPassword = message('R', int32(3));

/** A message with its type and length. */
export function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(body.length + 4), body]);
}

/** An ErrorResponse that ends the session. */
export function fatal(code: string, text: string): Buffer {
  return message('E', Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`));
}

/** The SQLSTATE of an ErrorResponse, and its text. */
export function readError(packet: Buffer): { code: string; text: string } {
  const fields = packet.subarray(5).toString('utf8').split('\0');
  const field = (letter: string) => fields.find((one) => one.startsWith(letter))?.slice(1) ?? '';
  return { code: field('C'), text: field('M') };
}

/** The names and values of a startup packet. Throws a Refusal (08P01) when it is malformed or repeats a name. */
export function readStartup(packet: Buffer): Map<string, string> {
  const parts = packet.subarray(8).toString('utf8').split('\0');
  // Each part ends with a zero, and so does the list.
  if (parts.length % 2 !== 0 || parts.at(-1) !== '' || parts.at(-2) !== '') throw violation('malformed startup packet');
  const parameters = new Map<string, string>();
  for (let i = 0; i < parts.length - 2; i += 2) {
    const name = parts[i]!;
    if (!name || parameters.has(name)) throw violation('malformed startup packet');
    parameters.set(name, parts[i + 1]!);
  }
  return parameters;
}

/** A startup packet with one parameter more. */
export function withParameter(packet: Buffer, name: string, value: string): Buffer {
  const body = Buffer.concat([packet.subarray(4, -1), Buffer.from(`${name}\0${value}\0\0`)]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** Reads whole messages from a socket, and returns what follows them. */
export type Reader = {
  /** The next message with its header. Rejects when it is longer than `longest` bytes or the socket ends first. */
  read(kind: 'untyped' | 'typed', longest: number): Promise<Buffer>;
  /** Stops reading, and returns the bytes after the last message read. */
  release(): Buffer;
};

export function readMessages(socket: Socket): Reader {
  let buffer: Buffer = Buffer.alloc(0);
  let ended: Error | undefined;
  let resume = () => {};
  const onData = (chunk: Buffer) => {
    buffer = buffer.length ? Buffer.concat([buffer, chunk]) : chunk;
    socket.pause(); // A client must not fill our memory while no message is read.
    resume();
  };
  const onEnd = (error?: unknown) => {
    ended ??= error instanceof Error ? error : new Error('the connection was closed');
    resume();
  };
  socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd);
  socket.pause();

  const fill = async (bytes: number) => {
    while (buffer.length < bytes) {
      if (ended) throw ended;
      await new Promise<void>((resolve) => {
        resume = resolve;
        socket.resume();
      });
    }
  };
  return {
    async read(kind, longest) {
      const typeBytes = kind === 'typed' ? 1 : 0;
      await fill(typeBytes + 4);
      const length = buffer.readInt32BE(typeBytes);
      if (length < (kind === 'typed' ? 4 : 8) || length > longest) throw violation(`a message of ${length} bytes`);
      await fill(typeBytes + length);
      const packet = buffer.subarray(0, typeBytes + length);
      buffer = buffer.subarray(typeBytes + length);
      return packet;
    },
    release() {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd);
      return buffer;
    },
  };
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
