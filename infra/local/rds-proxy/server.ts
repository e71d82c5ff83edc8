import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { listenOnLoopback, portOf } from '../loopback.ts';
import { openSession, type SessionOptions } from './session.ts';
import type { Principal } from './token.ts';

export type { Principal } from './token.ts';

export type RdsProxyOptions = {
  /** 0, the default, takes a free port. */
  port?: number;
  /** The name that tokens are signed for. The proxy listens on this machine's loopback addresses. */
  host: 'localhost';
  region: string;
  /** PEM. */
  cert: string;
  key: string;
  /** Of PostgreSQL; a function where that changes, or where PostgreSQL starts with the first client. */
  backendSocketPath: string | (() => string | Promise<string>);
  /** The owner of an access key: the stand-in for IAM. */
  principals: (accessKeyId: string) => Principal | undefined;
  /** More sessions get SQLSTATE 53300. */
  maxClients?: number;
  /** How long a client may take to authenticate, in ms. */
  handshakeTimeout?: number;
  clock?: { now(): number };
  log?: (line: string) => void;
};

/** What a client sees while the proxy switches to another writer. */
export type Faults = {
  /** New connections are refused. */
  refuses?: boolean;
  /** New sessions get a server that may only read: SQLSTATE 25006 for everything that writes. */
  readsOnly?: boolean;
};

/** Sessions that are open, of how many, and what was refused since the start. `at` is milliseconds since the epoch. */
export type ProxyCounts = {
  open: number;
  most: number;
  refused: number;
  lastRefusal: { at: number; reason: string } | null;
};

export type RdsProxy = {
  host: string;
  port: number;
  counts(): ProxyCounts;
  /** Drops every session in the middle of what it does, and shows these faults until the next call. */
  inject(faults: Faults): void;
  stop(): Promise<void>;
};

/**
 * A stand-in for Amazon RDS Proxy with IAM authentication. It requires TLS and a valid token, refuses what RDS Proxy
 * refuses, with RDS Proxy's own errors, and passes the rest to PostgreSQL. It does not pool. Rejects with the system's
 * error when the port is taken.
 */
export async function startRdsProxy(options: RdsProxyOptions): Promise<RdsProxy> {
  const { clock = { now: () => Date.now() }, log = () => {}, maxClients = 90, handshakeTimeout = 10_000 } = options;
  const secureContext = createSecureContext({ cert: options.cert, key: options.key, minVersion: 'TLSv1.2' });
  const clients = new Set<Socket>();
  const { backendSocketPath: backend } = options;
  let taken = 0;
  let port = 0;
  let refused = 0;
  let lastRefusal: ProxyCounts['lastRefusal'] = null;

  let faults: Faults = {};
  const accept = (socket: Socket) => {
    if (faults.refuses) return void socket.destroy();
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => clients.delete(socket));
    clients.add(socket);
    const timeLimit = setTimeout(() => socket.destroy(new Error('the handshake took too long')), handshakeTimeout);
    const acquirePermit = () => {
      if (taken >= maxClients) return false;
      taken++;
      socket.once('close', () => taken--);
      return true;
    };
    const session: SessionOptions = {
      ...options,
      backendSocketPath: typeof backend === 'function' ? backend : () => backend,
      readsOnly: faults.readsOnly === true,
      port,
      clock,
      onRefused(reason) {
        refused++;
        lastRefusal = { at: clock.now(), reason };
        log(`refused ${reason}`);
      },
      maxClients,
      secureContext,
      acquirePermit,
    };
    void openSession(socket, session).finally(() => clearTimeout(timeLimit));
  };

  const servers = await listenOnLoopback(options.port ?? 0, () => createServer(accept));
  port = portOf(servers[0]!);
  return {
    host: options.host,
    port,
    counts: () => ({ open: taken, most: maxClients, refused, lastRefusal }),
    inject(next) {
      faults = next;
      for (const client of clients) client.destroy();
    },
    async stop() {
      const closed = servers.map((server) => once(server, 'close'));
      for (const server of servers) server.close();
      for (const client of clients) client.destroy();
      await Promise.all(closed);
    },
  };
}
