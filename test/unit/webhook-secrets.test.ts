import { afterEach, expect, test, vi } from 'vitest';

async function secretsWith(value: string | undefined): Promise<string[]> {
  vi.resetModules();
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('STRIPE_WEBHOOK_SECRET', value);
  return (await import('../../lib/platform/secrets.ts')).webhookSecrets();
}
afterEach(() => vi.unstubAllEnvs());

test('without a configured secret there is no webhook', async () => {
  expect(await secretsWith(undefined)).toEqual([]);
});

test.each([
  ['whsec_a', ['whsec_a']],
  [' whsec_a\n', ['whsec_a']],
  ['whsec_a whsec_b', ['whsec_a', 'whsec_b']],
  ['whsec_a,whsec_b', ['whsec_a', 'whsec_b']],
  ['whsec_a,\n  whsec_b', ['whsec_a', 'whsec_b']],
])('%j is read as %j', async (value, expected) => {
  expect(await secretsWith(value)).toEqual(expected);
});

test.each(['', ' ', 'sk_live_mistaken', 'whsec_a sk_live_mistaken'])(
  '%j is an error that does not contain it',
  async (value) => {
    await expect(secretsWith(value)).rejects.toThrow(
      'STRIPE_WEBHOOK_SECRET does not contain a signing secret of a Stripe webhook',
    );
    await expect(secretsWith(value)).rejects.not.toThrow('mistaken');
  },
);
