/** One client has a whole /64 of IPv6 addresses (RFC 6177) and would otherwise have that many limits. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1);
  return `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

/** An address as it is kept and shown: without its last byte (IPv4), or its last ten (IPv6), so that it names nobody. */
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
