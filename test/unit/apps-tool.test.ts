import { afterAll, beforeAll, expect, test } from 'vitest';
import { runApps } from '../../infra/tools/apps.ts';
import { findKey } from '../../lib/auth/applications/app-keys.dynamo.ts';
import { type ApplicationStore, readApplication } from '../../lib/auth/applications/applications.dynamo.ts';
import { scopes } from '../../lib/contract/deploy/roles.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

const start = Date.UTC(2026, 0, 1);
let dynamo: TestDynamo;
let store: ApplicationStore;

beforeAll(async () => {
  dynamo = await startTestDynamo([
    { name: 'applications', ...tables.applications },
    { name: 'empty', ...tables.applications },
    { name: 'app-keys', ...tables.appKeys },
  ]);
  store = { client: dynamo.documents, table: 'applications', keysTable: 'app-keys', clock: { now: () => start } };
});
afterAll(() => dynamo.stop());

async function run(line: string) {
  const out: string[] = [];
  const err: string[] = [];
  const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  const print = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
  const code = await runApps(args, ({ table }) => ({ ...store, table: table ?? store.table }), print);
  return { code, out, err, text: out.join('\n') };
}

const create = (options = '') =>
  run(
    `create --name "back office" --kind server --scopes catalog:write,stock:write --contact a@example.com ${options}`,
  );
const [appId, keyId, key] = [/app_[0-9a-f]{32}/, /key_[0-9a-f]{32}/, /cfk_\S+/];

test('registers a server whose key works, lists both without the secret, and removes the key', async () => {
  const created = await create('--days 2');
  expect(created).toMatchObject({ code: 0, err: [] });
  const secret = key.exec(created.text)![0];
  const [id, ofKey] = [appId.exec(created.text)![0], keyId.exec(created.text)![0]];
  expect(await findKey(store, secret)).toEqual({ applicationId: id, keyId: ofKey });

  const { out, text } = await run('list');
  expect(out.find((line) => line.startsWith(id))).toContain('active  server  back office  catalog:write,stock:write');
  expect(out.find((line) => line.includes(ofKey))).toContain('expires 2026-01-03T00:00:00.000Z');
  expect(text).not.toContain('cfk_');

  const second = await run(`add-key ${id}`);
  expect(await findKey(store, key.exec(second.text)![0])).toMatchObject({ applicationId: id });
  expect(await run(`remove-key ${id} ${ofKey}`)).toMatchObject({ code: 0, out: [`${ofKey} is removed.`] });
  expect(await findKey(store, secret)).toBeUndefined();
});

test('registers a web shop, which has no key', async () => {
  const created = await run(
    'create --name shop --kind web --scopes orders:place --contact b@example.com --origins https://shop.example --rate-class high --identity-clients client-1,client-2',
  );
  const id = appId.exec(created.text)![0];
  expect(created.out[1]).toBe(`It sends this header: Client-Id: ${id}`);
  expect(await readApplication(store, id)).toMatchObject({
    origins: ['https://shop.example'],
    rateClass: 'high',
    identityClientIds: ['client-1', 'client-2'],
  });
  expect(await run(`add-key ${id}`)).toMatchObject({ code: 1, out: [] });
});

test('grants every scope with one word', async () => {
  const { text } = await run('create --name all --kind server --scopes all --contact c@example.com');
  expect((await readApplication(store, appId.exec(text)![0]))?.scopes).toEqual(scopes);
});

test('suspends an application, resumes it, and removes it', async () => {
  const id = appId.exec((await create()).text)![0];
  expect(await run(`suspend ${id}`)).toMatchObject({ code: 0, out: [`${id} is suspended.`] });
  expect((await readApplication(store, id))?.status).toBe('suspended');
  expect(await run(`resume ${id}`)).toMatchObject({ code: 0, out: [`${id} is active.`] });
  expect(await run(`remove ${id}`)).toMatchObject({ code: 0 });
  expect(await readApplication(store, id)).toBeUndefined();
});

test.for([
  ['', 'Name a command.'],
  ['delete x', 'There is no command "delete x".'],
  ['create', '--name: '],
  ['create --name x --kind server --scopes stock:write', '--contact: '],
  ['create --name x --kind robot --scopes stock:write --contact a@example.com', '--kind: '],
  ['create --name x --kind server --scopes stock:eat --contact a@example.com', '--scopes: '],
  ['create --name x --kind web --scopes all --contact a@example.com --origins http://shop.example', '--origins: '],
  ['create --name x --kind server --scopes all --contact a@example.com --days soon', '--days must be a whole number'],
  ['create --force', "Unknown option '--force'"],
  ['remove-key', 'There is no command "remove-key".'],
  [`remove-key app_${'0'.repeat(32)} cfk_abc`, 'Use the id of the key'],
  ['suspend 123', '"123" is not the id of an application'],
] as const)('"%s" is explained and changes nothing', async ([line, says]) => {
  const writes = dynamo.calls().TransactWriteItems;
  const { code, out, err } = await run(line);
  expect({ code, out }).toEqual({ code: 2, out: [] });
  expect(err.join('\n')).toContain(says);
  expect(err.join('\n')).toContain('npm run apps -- create');
  expect(dynamo.calls().TransactWriteItems).toBe(writes);
});

test('an unknown application, key, table or DynamoDB is explained in one sentence', async () => {
  const unknown = `app_${'0'.repeat(32)}`;
  expect(await run(`suspend ${unknown}`)).toMatchObject({ code: 1, err: [`There is no application ${unknown}.`] });
  const noKey = `key_${'0'.repeat(32)}`;
  expect((await run(`remove-key ${unknown} ${noKey}`)).err).toEqual([`${unknown} has no key ${noKey}.`]);
  expect((await run('list --table nowhere')).err.join()).toMatch(/^DynamoDB has no such table; .*\.$/);
  expect((await run('list --table empty')).out).toEqual(['There are no applications.']);
  dynamo.refuse();
  try {
    const { code, err } = await run('list');
    expect(code).toBe(1);
    expect(err.join()).toMatch(/^DynamoDB cannot be reached: /);
  } finally {
    await dynamo.resume();
  }
});
