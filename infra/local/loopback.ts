import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';

/** Addresses of this machine alone. `localhost` is the first to some clients and the second to others. */
const loopback = ['127.0.0.1', '::1'] as const;

/**
 * Listens on this machine's own addresses, on the same port, so that no other machine can connect.
 * @param create makes one of the servers, which all do the same
 * @param port 0 for any that is free
 * @returns the servers, all listening
 * @throws the system's error when the port cannot be opened
 */
export async function listenOnLoopback<S extends Server>(port: number, create: () => S): Promise<S[]> {
  for (let attempt = 1; ; attempt++) {
    const first = await listenOn(loopback[0], port, create());
    try {
      return [first, await listenOn(loopback[1], portOf(first), create())];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return [first];
      first.close();
      // The port was free on one address alone. Another may be free on both.
      if (code !== 'EADDRINUSE' || port !== 0 || attempt === 5) throw error;
    }
  }
}

/** @throws the system's error when the port cannot be opened */
export async function listenOn<S extends Server>(host: string, port: number, server: S): Promise<S> {
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/**
 * Whether a `Host` header names this machine: by an IP address, `localhost`, or `own`. A page of another site that points
 * its own name here (DNS rebinding) does not.
 */
export function namesThisMachine(header: string | undefined, own: string | undefined): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d+)?$/i.exec(header ?? '')?.[1]?.toLowerCase();
  if (name === undefined) return false;
  return name === 'localhost' || name.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || name === own;
}

/** Whether a connection comes from this machine. */
export const isLoopback = (address: string | undefined): boolean => /^(::ffff:)?127\.|^::1$/.test(address ?? '');

/** Whether a `Host` header names this machine as only its own programs can: `localhost` or a loopback address. */
export const namesLoopback = (header: string | undefined): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(header ?? '');

/** Serves only requests that name this machine in `Host`: for the stand-ins of AWS, which check no credentials. */
export const forThisMachine =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    if (namesThisMachine(request.headers.host, undefined)) return listener(request, response);
    // RFC 9110 §15.5.20: misdirected request.
    response.writeHead(421, { 'content-type': 'text/plain' }).end('This server is for programs on this machine.\n');
  };
