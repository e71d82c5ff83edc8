import { expect, test } from 'vitest';
import { withoutClientSecrets } from '../../lib/contract/api/payment-action.ts';

const secret = 'pi_3P5ktxEzVBJFlm8c_secret_NmxqvbiACnlm7pCKI';

test('a client secret is blotted out wherever it stands, and everything else stays', () => {
  const state = {
    orderId: 'ord_1',
    charge: { provider: 'stripe', reference: 'pi_3P5ktx', action: { type: 'stripe', clientSecret: secret } },
    list: [{ client_secret: secret }, 7, null, true],
    failure: { Error: 'X', Cause: JSON.stringify({ charge: { action: { clientSecret: secret } } }) },
    none: undefined,
  };
  const shown = withoutClientSecrets(state);
  expect(JSON.stringify(shown)).not.toContain('NmxqvbiACnlm7pCKI');
  expect(shown).toMatchObject({
    orderId: 'ord_1',
    charge: { provider: 'stripe', reference: 'pi_3P5ktx', action: { type: 'stripe', clientSecret: '[redacted]' } },
    list: [{ client_secret: '[redacted]' }, 7, null, true],
    failure: { Error: 'X' },
  });
  expect(JSON.parse(shown.failure.Cause)).toMatchObject({ charge: { action: { clientSecret: expect.any(String) } } });
  expect(state.charge.action.clientSecret).toBe(secret);
});
