import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** The URL of an endpoint leads to where webhooks may not be sent. The message says why, for the owner of the endpoint. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused';
}

/** `public`: HTTPS to addresses of the internet alone. `any`: for a laptop, whose receivers run on it. */
export type AllowedTargets = 'public' | 'any';

export type Target = { url: URL; address: string; family: 4 | 6 };

const ports = new Set(['', '443', '8443']);

/**
 * The address that a webhook is sent to. It is resolved once and connected to as it is: a name that leads elsewhere a moment
 * later changes nothing.
 * @throws TargetRefused
 */
export async function resolveTarget(
  text: string,
  allowed: AllowedTargets,
  resolve: (host: string) => Promise<{ address: string; family: number }[]> = (host) => lookup(host, { all: true }),
): Promise<Target> {
  const url = checkUrl(text, allowed);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const found = isIP(host) === 0 ? await resolve(host).catch(() => []) : [{ address: host, family: isIP(host) }];
  if (found.length === 0) throw new TargetRefused(`the name ${host} cannot be resolved`);
  const [first] = found;
  // All of them, because a name with one address inside and one outside is made to get in.
  if (allowed === 'public' && !found.every(({ address }) => isPublic(address))) {
    throw new TargetRefused(`${host} leads to an address that is not public`);
  }
  return { url, address: first!.address, family: first!.family === 6 ? 6 : 4 };
}

/**
 * A URL that a webhook may be sent to, as far as its text tells.
 * @throws TargetRefused
 */
export function checkUrl(text: string, allowed: AllowedTargets): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TargetRefused('is not an https address');
  }
  if (url.username !== '' || url.password !== '') throw new TargetRefused('has credentials in it');
  if (allowed === 'any') return url;
  if (url.protocol !== 'https:') throw new TargetRefused('is not an https address');
  if (!ports.has(url.port)) throw new TargetRefused('has another port than 443 or 8443');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublic(host)) throw new TargetRefused('is not a public address');
  if (/(^|\.)(localhost|local|internal)$/.test(host)) throw new TargetRefused('is not a public address');
  return url;
}

/** Whether an IP address belongs to the internet: to no private, local, shared, reserved or multicast network. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address, 'ipv4');
  return isIP(address) === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** The special-purpose registries of IANA: RFC 6890 and what was added since. */
const special = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  special.addSubnet(network, bits, 'ipv4');
}
// Within the global range: documentation, and ways to write an IPv4 address.
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  special.addSubnet(network, bits, 'ipv6');
}
/** All that IANA has given to the internet. So mapped and translated IPv4, local and multicast addresses are outside. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
