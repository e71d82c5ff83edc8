import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';
import { checkUrl, isPublic, resolveTarget, TargetRefused } from '../../lib/events/webhooks/address.ts';
import { mostAttempts, nextDelay } from '../../lib/events/webhooks/retries.ts';
import { wants } from '../../lib/events/webhooks/route.ts';
import { newSecret, signatures } from '../../lib/events/webhooks/sign.ts';

describe('a signature', () => {
  const body = '{"type":"order.placed","name":"Zoë"}';
  const signed = (secrets: string[], seconds = Math.floor(Date.now() / 1000)) => ({
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures(secrets, { id: 'evt_1', seconds, body }),
  });

  test('is what the reference implementation of Standard Webhooks verifies', () => {
    const secret = newSecret();
    expect(new Webhook(secret).verify(body, signed([secret]))).toEqual(JSON.parse(body));
    expect(() => new Webhook(newSecret()).verify(body, signed([secret]))).toThrow();
    expect(() => new Webhook(secret).verify(`${body} `, signed([secret]))).toThrow();
  });

  test('of two secrets verifies by either one', () => {
    const [next, current] = [newSecret(), newSecret()];
    for (const secret of [next, current]) new Webhook(secret).verify(body, signed([next, current]));
  });

  test('has a secret of its own each time, as long as the specification asks', () => {
    const secrets = Array.from({ length: 50 }, newSecret);
    expect(new Set(secrets).size).toBe(50);
    for (const secret of secrets) {
      expect(Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length).toBeGreaterThanOrEqual(24);
    }
  });
});

describe('an address', () => {
  test.each([
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '192.169.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ])('%s belongs to the internet', (address) => expect(isPublic(address)).toBe(true));

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.168.1.1',
    '198.18.0.1',
    '203.0.113.7',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:7f00:1::',
    '2001:db8::1',
    '2001::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'ff02::1',
    'localhost',
    '',
  ])('%s does not', (address) => expect(isPublic(address)).toBe(false));

  test.each([
    ['http://shop.example.com/x', 'is not an https address'],
    ['ftp://shop.example.com/x', 'is not an https address'],
    ['nonsense', 'is not an https address'],
    ['https://ada:secret@shop.example.com/', 'has credentials in it'],
    ['https://shop.example.com:8080/', 'has another port'],
    ['https://shop.example.com:22/', 'has another port'],
    ['https://localhost/', 'is not a public address'],
    ['https://db.internal/', 'is not a public address'],
    ['https://printer.local/', 'is not a public address'],
    ['https://127.0.0.1/', 'is not a public address'],
    ['https://2130706433/', 'is not a public address'],
    ['https://0x7f.1/', 'is not a public address'],
    ['https://[::1]/', 'is not a public address'],
    ['https://[::ffff:10.0.0.1]/', 'is not a public address'],
    ['https://169.254.169.254/latest/meta-data', 'is not a public address'],
  ])('in %s is refused: %s', (url, reason) => {
    expect(() => checkUrl(url, 'public')).toThrow(TargetRefused);
    expect(() => checkUrl(url, 'public')).toThrow(reason);
  });

  test('of a name is looked at after it was resolved, all of them, and the first one is what is connected to', async () => {
    const named = (...addresses: string[]) =>
      resolveTarget('https://shop.example.com:8443/hook', 'public', async () =>
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    expect(await named('8.8.8.8', '8.8.4.4')).toMatchObject({ address: '8.8.8.8', family: 4 });
    expect(await named('2606:4700::1111')).toMatchObject({ address: '2606:4700::1111', family: 6 });
    await expect(named('8.8.8.8', '10.0.0.1')).rejects.toThrow(TargetRefused);
    await expect(named('::ffff:169.254.169.254')).rejects.toThrow('not public');
    await expect(named()).rejects.toThrow('cannot be resolved');
    await expect(resolveTarget('https://x.example', 'public', () => Promise.reject(new Error('away')))).rejects.toThrow(
      TargetRefused,
    );
  });

  test('on a laptop may be its own, and has no credentials either', async () => {
    expect(await resolveTarget('http://127.0.0.1:9000/', 'any')).toMatchObject({ address: '127.0.0.1' });
    expect(() => checkUrl('http://a:b@127.0.0.1/', 'any')).toThrow('credentials');
  });
});

test('an endpoint wants the types that it names, all of a kind, or all', () => {
  const types = domainEvents.map(({ type }) => type);
  const wanted = (...events: string[]) => types.filter((type) => wants({ events }, type));
  expect(wanted('*')).toEqual(types);
  expect(wanted('order.*')).toEqual(types.filter((type) => type.startsWith('order.')));
  expect(wanted('order.placed', 'refund.*')).toEqual(['order.placed', 'refund.succeeded', 'refund.failed']);
  expect(wants({ events: ['order.*'] }, 'orders.placed')).toBe(false);
});

test('ten attempts are spread over three days, with up to a tenth of chance', () => {
  expect(mostAttempts).toBe(10);
  const least = Array.from({ length: 9 }, (_, n) => nextDelay(n + 1, 0)!);
  expect(least.map((ms) => ms / 1000)).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
  for (let attempts = 1; attempts < 10; attempts++) {
    expect(nextDelay(attempts, 1)! / nextDelay(attempts, 0)!).toBeCloseTo(1.1);
  }
  expect(nextDelay(10, 0)).toBeUndefined();
  expect(least.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(3 * 24 * 3600_000);
});
