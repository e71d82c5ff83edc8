import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { maxAddresses } from '../../lib/contract/api/customer-addresses.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let people = 0;
let token: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '1000' });
});
afterAll(() => handlers.close());
beforeEach(async () => {
  token = await signedIn();
});

async function signedIn(): Promise<string> {
  const ada = { email: `keeps-${++people}@example.com`, password: 'correct horse', name: 'Ada Lovelace' };
  await handlers.call('sign-up', { body: ada });
  return (await handlers.call('sign-in', { body: { email: ada.email, password: ada.password } })).body.token;
}

const home = { name: 'Ada Lovelace', line1: 'Hauptstraße 5', postalCode: '8010', city: 'Graz', country: 'AT' };
const add = (body: object, headers: Record<string, string> = {}) =>
  handlers.call('add-my-address', { token, body, headers });
const list = async () => (await handlers.call('list-my-addresses', { token })).body.data;
const replace = (addressId: string, body: object, headers: Record<string, string> = {}) =>
  handlers.call('replace-my-address', { token, parameters: { addressId }, body, headers });

describe('the addresses of a customer', () => {
  test('are kept, replaced and deleted, with one default of each kind', async () => {
    const first = await add({ address: home });
    expect(first).toMatchObject({
      status: 201,
      headers: { location: `/customers/me/addresses/${first.body.id}`, etag: '"1"' },
      body: { address: home, defaultShipping: true, defaultBilling: true, version: 1 },
    });
    const office = { ...home, name: 'A. Lovelace', company: 'Engines & Co', vatNumber: 'ATU12345678' };
    const second = await add({ address: office, defaultBilling: true });
    expect(second.body).toMatchObject({ address: office, defaultShipping: false, defaultBilling: true });
    expect(await list()).toMatchObject([
      { id: first.body.id, defaultShipping: true, defaultBilling: false, version: 2 },
      { id: second.body.id, defaultShipping: false, defaultBilling: true, version: 1 },
    ]);
    const stale = await replace(first.body.id, { address: home }, { 'if-match': '"1"' });
    expect(stale).toMatchObject({ status: 412, body: { code: 'version-stale' } });
    const moved = await replace(first.body.id, { address: { ...home, line1: 'Ring 1' } }, { 'if-match': '"2"' });
    expect(moved).toMatchObject({
      status: 200,
      headers: { etag: '"3"' },
      body: { address: { line1: 'Ring 1' }, defaultShipping: true, defaultBilling: false, version: 3 },
    });
    const deleted = await handlers.call('delete-my-address', { token, parameters: { addressId: first.body.id } });
    expect(deleted.status).toBe(204);
    expect(await list()).toMatchObject([{ id: second.body.id, defaultShipping: false }]);
    expect((await add({ address: home })).body).toMatchObject({ defaultShipping: true, defaultBilling: false });
  });

  test('are at most 20, also when many come at once, and a repeated request keeps one', async () => {
    const key = { 'idempotency-key': `address-${people}` };
    const [one, again] = [await add({ address: home }, key), await add({ address: home }, key)];
    expect(again).toMatchObject({ status: 201, body: one.body, headers: { 'idempotency-replayed': 'true' } });
    const answers = await Promise.all(
      Array.from({ length: maxAddresses + 3 }, () => add({ address: home, defaultShipping: true })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(maxAddresses - 1);
    expect(answers.find(({ status }) => status !== 201)).toMatchObject({
      status: 409,
      body: { code: 'too-many-addresses' },
    });
    const kept = await list();
    expect(kept).toHaveLength(maxAddresses);
    expect(kept.filter((one: { defaultShipping: boolean }) => one.defaultShipping)).toHaveLength(1);
  });

  test('are refused where they are wrong, and nothing changes', async () => {
    const { id } = (await add({ address: home })).body;
    const wrong = [
      [{ address: { ...home, country: 'XX' } }, 422, 'country-unknown', '/address/country'],
      [{ address: { ...home, country: 'DE', postalCode: 'AB' } }, 422, 'postal-code-invalid', '/address/postalCode'],
      [{ address: { ...home, name: ' ' } }, 400, 'invalid-input', '/address/name'],
      [{ address: { ...home, floor: 2 } }, 400, 'invalid-input', '/address/floor'],
      [{ address: home, defaultShipping: 'yes' }, 400, 'invalid-input', '/defaultShipping'],
      [{}, 400, 'invalid-input', '/address'],
    ] as const;
    for (const [body, status, code, pointer] of wrong)
      for (const refused of [await add(body), await replace(id, body)])
        expect(refused).toMatchObject({ status, body: { code, errors: [{ pointer }] } });
    expect(await list()).toMatchObject([{ address: home, version: 1 }]);
  });

  test('are those of nobody else', async () => {
    const { id } = (await add({ address: home })).body;
    token = await signedIn();
    expect(await list()).toEqual([]);
    expect(await replace(id, { address: home })).toMatchObject({ status: 404, body: { code: 'not-found' } });
    const deleted = await handlers.call('delete-my-address', { token, parameters: { addressId: id } });
    expect(deleted).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await handlers.owner`select version from customers.addresses where id = ${id}`).toEqual([{ version: 1 }]);
  });
});
