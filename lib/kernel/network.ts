/**
 * The part of an IP address that rate limits count by: a whole IPv4 address, or the /64 of an IPv6 address. One client
 * usually has a /64 to itself (RFC 6177), and must not get a limit of its own for each address in it.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1);
  return `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

/** An IP address without the part that identifies one client, for storing and showing: its /24 (IPv4) or /48 (IPv6). */
export function truncatedAddress(address: string): string {
  const network = networkOf(address);
  if (network.includes(':')) return `${groupsOf(address).slice(0, 3).join(':')}::/48`;
  return network.replace(/\.\d+$/, '.0/24');
}

function groupsOf(address: string): string[] {
  const [head = '', tail] = address.split('%', 1)[0]!.toLowerCase().split('::');
  const [first, last] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = tail === undefined ? 0 : 8 - first!.length - last!.length;
  const groups = [...first!, ...Array<string>(Math.max(0, zeros)).fill('0'), ...last!];
  return groups.map((group) => Number.parseInt(group, 16).toString(16));
}
