import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { type Audience, verifyToken } from './token.ts';
import {
  authenticationCleartextPassword,
  fatal,
  iamRefusal,
  longestPassword,
  longestStartup,
  type Reader,
  Refusal,
  readError,
  readMessages,
  readStartup,
  requestCode,
  unsupported,
  violation,
  withParameter,
} from './wire.ts';

export type SessionOptions = Audience & {
  backendSocketPath: () => string | Promise<string>;
  secureContext: SecureContext;
  maxClients: number;
  /** Whether the session may only read. */
  readsOnly?: boolean;
  /** Takes one of the permits for clients; false when none is free. */
  acquirePermit: () => boolean;
  /** Who was refused, and why. */
  onRefused: (reason: string) => void;
};

/** Handles a client's TLS, startup packet and IAM token, then connects it to PostgreSQL byte for byte. */
export async function openSession(raw: Socket, options: SessionOptions): Promise<void> {
  let socket = raw;
  let user = '';
  try {
    let reader = readMessages(socket);
    let packet = await readRequest(socket, reader);
    const encrypted = packet.readInt32BE(4) === requestCode.ssl;
    if (encrypted) {
      socket = startTls(raw, reader, options.secureContext);
      reader = readMessages(socket);
      packet = await reader.read('untyped', longestStartup);
    }
    const parameters = checkStartup(packet, encrypted);
    user = parameters.get('user')!;
    if (!options.acquirePermit())
      throw new Refusal(
        '53300',
        `The maximum number of client connections to the proxy exceeded ${options.maxClients}.`,
      );
    socket.write(authenticationCleartextPassword);
    await verifyToken(await readPassword(reader), user, options);
    const startup = options.readsOnly ? withParameter(packet, 'default_transaction_read_only', 'on') : packet;
    await join(socket, reader, startup, user, options.backendSocketPath);
  } catch (error) {
    const reason = error instanceof Refusal ? error.reason : (error as Error).message;
    options.onRefused(`${user ? `user ${user}` : 'a client'}: ${reason}`);
    if (error instanceof Refusal && socket.writable) {
      socket.write(fatal(error.code, error.message));
      socket.destroySoon();
    } else raw.destroy();
  }
}

/** The settings that RDS Proxy accepts in a startup packet, in lower case. It refuses every other. */
const startupParameters = new Set([
  'user',
  'database',
  'application_name',
  'client_encoding',
  'datestyle',
  'intervalstyle',
  'timezone',
  'extra_float_digits',
]);

async function readRequest(socket: Socket, reader: Reader): Promise<Buffer> {
  const packet = await reader.read('untyped', longestStartup);
  if (packet.readInt32BE(4) !== requestCode.gss) return packet;
  socket.write('N');
  return await reader.read('untyped', longestStartup);
}

function startTls(raw: Socket, reader: Reader, secureContext: SecureContext): TLSSocket {
  // Unencrypted bytes would later count as encrypted ones (CVE-2021-23214).
  if (reader.release().length > 0) throw violation('data before the TLS handshake');
  raw.write('S');
  const socket = new TLSSocket(raw, { isServer: true, secureContext });
  socket.on('error', () => raw.destroy());
  raw.once('close', () => socket.destroy());
  return socket;
}

function checkStartup(packet: Buffer, encrypted: boolean): Map<string, string> {
  const code = packet.readInt32BE(4);
  if (code === requestCode.cancel)
    throw unsupported("doesn't pass on a CancelRequest: set statement_timeout on the role instead.");
  if (code >> 16 !== requestCode.protocol3)
    throw unsupported('supports only version 3.0 of the PostgreSQL messaging protocol.');
  if (!encrypted) throw new Refusal('28000', 'This RDS Proxy requires TLS connections');
  const parameters = readStartup(packet);
  if (!parameters.get('user'))
    throw new Refusal(
      '28000',
      'A user name is missing from the connection startup packet. Provide a user name for this connection.',
    );
  for (const name of parameters.keys()) {
    if (name === 'options') throw unsupported("currently doesn't support command-line options.");
    if (name === 'replication') throw unsupported("currently doesn't support streaming replication mode.");
    if (!startupParameters.has(name.toLowerCase())) throw unsupported(`currently doesn't support the option ${name}.`);
  }
  return parameters;
}

async function readPassword(reader: Reader): Promise<string> {
  const packet = await reader.read('typed', longestPassword);
  if (packet[0] !== 'p'.charCodeAt(0) || packet.at(-1) !== 0) throw violation('no password message');
  return packet.subarray(5, -1).toString('utf8');
}

/** Sends PostgreSQL the client's own startup packet, and pipes both sides once it has accepted the user. */
async function join(
  client: Socket,
  reader: Reader,
  startup: Buffer,
  user: string,
  path: SessionOptions['backendSocketPath'],
): Promise<void> {
  const backend = connect(await whereItIs(path)).setNoDelay(true);
  const dropBackend = () => backend.destroy();
  client.once('close', dropBackend);
  try {
    await once(backend, 'connect');
  } catch (cause) {
    throw new Refusal('08006', 'The proxy could not connect to its database.', (cause as Error).message);
  }
  backend.on('error', dropBackend);
  const answers = readMessages(backend);
  backend.write(startup);
  const answer = await answers.read('typed', longestPassword);
  if (answer.toString('latin1', 0, 1) === 'E') {
    backend.destroy();
    const { code, text } = readError(answer);
    // The role does not exist, may not log in, or has not been granted rds_iam.
    throw code === '28000' ? iamRefusal(user, text) : new Refusal(code, text);
  }
  client.write(Buffer.concat([answer, answers.release()]));
  const early = reader.release();
  if (early.length) backend.write(early);
  backend.once('close', () => client.destroySoon()); // After PostgreSQL's last bytes have been sent.
  client.pipe(backend);
  backend.pipe(client);
}

async function whereItIs(path: SessionOptions['backendSocketPath']): Promise<string> {
  try {
    return await path();
  } catch (cause) {
    throw new Refusal('08006', 'The proxy could not connect to its database.', (cause as Error).message);
  }
}
