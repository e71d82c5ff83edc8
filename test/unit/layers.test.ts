import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';

const root = resolve(import.meta.dirname, '../..');
const files = ['functions', 'lib', 'infra', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);

type Import = { from: string; to: string; dynamic: boolean };
const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(join(root, from), 'utf8');
  const found = [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]/g)].map(
    (m) => m[1]!,
  );
  const lazily = [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)].map((m) => m[1]!);
  const target = (specifier: string) =>
    specifier.startsWith('.') ? relative(root, resolve(root, dirname(from), specifier)) : specifier;
  return [
    ...found.map((to) => ({ from, to: target(to), dynamic: false })),
    ...lazily.map((to) => ({ from, to: target(to), dynamic: true })),
  ];
});

const domains = [...new Set(files.flatMap((file) => /^lib\/([^/]+)\//.exec(file)?.[1] ?? []))].filter(
  (name) => !['kernel', 'contract', 'platform', 'entry'].includes(name),
);
const isDomain = (file: string) => domains.some((name) => file.startsWith(`lib/${name}/`));

/** The room a file stands in, by its path. */
function roomOf(file: string): string {
  if (/^functions\/(routes|steps|jobs|streams)\.ts$/.test(file)) return 'table';
  if (file.startsWith('functions/')) return 'handler';
  if (file.startsWith('infra/local/')) return 'local';
  if (file.startsWith('infra/')) return 'infra';
  if (file.startsWith('test/')) return 'test';
  if (isDomain(file)) return 'domain';
  return /^lib\/([^/]+)\//.exec(file)?.[1] ?? 'package';
}

/** Which rooms each room may import; packages are looked at apart. */
const allowed: Record<string, readonly string[]> = {
  kernel: ['kernel'],
  contract: ['contract', 'kernel'],
  domain: ['domain', 'kernel', 'contract'],
  platform: ['platform', 'kernel', 'contract', 'domain'],
  entry: ['entry', 'platform', 'contract', 'kernel'],
  table: ['contract', 'kernel', 'table'],
  handler: ['entry', 'domain', 'contract', 'kernel', 'platform', 'table'],
  infra: ['infra', 'table', 'contract', 'kernel', 'domain', 'platform'],
  local: ['local', 'infra', 'table', 'contract', 'kernel', 'domain', 'platform'],
};

describe('rooms', () => {
  const between = imports.filter(
    ({ from, to }) => !from.startsWith('test/') && !/^[@a-z][^/]*$|^(node:|@)|^[a-z][a-z0-9-]*\/(?!.*\.ts$)/.test(to),
  );

  test('a file imports only from the rooms that its own may import from', () => {
    const trespasses = between
      .filter(({ from, to }) => !(allowed[roomOf(from)] ?? []).includes(roomOf(to)))
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(trespasses).toEqual([]);
    expect(between.length).toBeGreaterThan(100);
  });

  test('nothing outside them imports infra or test', () => {
    const trespasses = imports.filter(({ from, to }) => !/^(infra|test)\//.test(from) && /^(infra|test)\//.test(to));
    expect(trespasses).toEqual([]);
  });

  test('handlers never import each other', () => {
    expect(between.filter(({ from, to }) => roomOf(from) === 'handler' && roomOf(to) === 'handler')).toEqual([]);
  });

  test('infra never imports a handler: synthesizing would run it', () => {
    const static_ = imports.filter(
      ({ from, to, dynamic }) => from.startsWith('infra/') && roomOf(to) === 'handler' && !dynamic,
    );
    expect(static_).toEqual([]);
  });

  test('only deps.ts and its like in platform wire domains', () => {
    const wiring = between.filter(({ from, to }) => roomOf(from) === 'platform' && roomOf(to) === 'domain');
    expect([...new Set(wiring.map(({ from }) => from))].sort()).toEqual(
      [
        'lib/platform/accounts.ts',
        'lib/platform/deps.ts',
        'lib/platform/executions.ts',
        'lib/platform/identity.ts',
        'lib/platform/mailer.ts',
        'lib/platform/payments.ts',
        'lib/platform/resume.ts',
      ].filter((file) => files.includes(file)),
    );
  });

  test('kernel imports nothing but node', () => {
    const foreign = imports.filter(
      ({ from, to }) => from.startsWith('lib/kernel/') && !/^(node:|lib\/kernel\/)/.test(to),
    );
    expect(foreign).toEqual([]);
  });

  test('a domain touches an SDK only in files that say so in their names', () => {
    const sdk = /^(postgres|stripe|@aws-sdk\/|@smithy\/|@aws-lambda-powertools\/|@middy\/)/;
    const stray = imports.filter(
      ({ from, to }) =>
        isDomain(from) && sdk.test(to) && !/\.(sql|dynamo|gateway)\.ts$/.test(from) && !typeOnly(from, to),
    );
    expect(stray.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test('only the configuration reads the environment', () => {
    const readers = files.filter(
      (file) => /^(lib|functions)\//.test(file) && /process\.env/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(readers).toEqual(['lib/platform/config.ts']);
  });
});

describe('tables', () => {
  const handlers = files
    .filter((file) => roomOf(file) === 'handler')
    .map((file) => file.slice('functions/'.length, -3));
  const named = [routes, steps, jobs, streams]
    .flatMap((table) => Object.values<{ handler: string }>(table))
    .map(({ handler }) => handler);

  test('every handler stands in exactly one table, and every row has its handler', () => {
    expect([...named].sort()).toEqual([...handlers].sort());
    expect(new Set(named).size).toBe(named.length);
  });

  test('every placeholder of the state machine has a row, and every row is used', () => {
    const asl = readFileSync(join(root, 'infra/saga/order.asl.json'), 'utf8');
    const placeholders = [...asl.matchAll(/\$\{(\w+)\}/g)].map((m) => m[1]!);
    expect([...new Set(placeholders)].sort()).toEqual(Object.keys(steps).sort());
  });

  test('every step that has an effect names the step that compensates it', () => {
    for (const { compensatedBy } of Object.values(steps)) {
      if (compensatedBy !== null) expect(Object.keys(steps)).toContain(compensatedBy);
    }
    expect(
      Object.values(steps)
        .filter(({ compensatedBy }) => compensatedBy !== null)
        .map(({ name }) => name),
    ).toEqual(['ReserveStock', 'ChargePayment', 'AwaitPayment', 'ConfirmOrder']);
  });

  test('a handler is thin: at most sixty lines', () => {
    const long = handlers
      .map((handler) => ({
        handler,
        lines: readFileSync(join(root, `functions/${handler}.ts`), 'utf8')
          .trimEnd()
          .split('\n').length,
      }))
      .filter(({ lines }) => lines > 60);
    expect(long).toEqual([]);
  });

  test('every handler is exported beside the run that it wires', () => {
    for (const handler of handlers) {
      const text = readFileSync(join(root, `functions/${handler}.ts`), 'utf8');
      expect(text, handler).toMatch(/^export (async function run|const run)\b/m);
      expect(text, handler).toMatch(/^export const handler\b/m);
    }
  });

  test('a handler that talks to the provider touches no database, and the other way round', () => {
    for (const { provider, databaseRole } of Object.values(steps)) expect(provider).toBe(databaseRole === null);
    for (const { provider, databaseRole, ...job } of Object.values(jobs)) {
      expect(provider || 'identity' in job).toBe(databaseRole === null);
    }
  });
});

describe('what pins a session of RDS Proxy', () => {
  test('stands in no statement of a handler', () => {
    const pinning =
      /\b(set\s+(session|local)?\s*\w+\s*(=|to)\b|prepare\s+\w+|listen\s|declare\s+\w+\s+cursor|create\s+temp|nextval\(|setval\(|pg_(try_)?advisory_lock\()/i;
    const sql = files.filter((file) => /^lib\/.*\.sql\.ts$/.test(file) && !file.startsWith('lib/database/'));
    expect(sql.length).toBeGreaterThan(5);
    for (const file of sql) {
      const statements = [...readFileSync(join(root, file), 'utf8').matchAll(/(?:sql|tx)(?:<[^>]*>)?`([^`]*)`/g)].map(
        (m) => m[1]!,
      );
      for (const statement of statements) expect(statement.replace(/update[\s\S]*/gi, ''), file).not.toMatch(pinning);
    }
  });
});

/** Whether a file imports this package for its types alone. */
function typeOnly(from: string, to: string): boolean {
  const text = readFileSync(join(root, from), 'utf8');
  const statements = [...text.matchAll(/import\s([^'"`;]*?)\sfrom\s['"]([^'"]+)['"]/g)].filter((m) => m[2] === to);
  return statements.every((m) => m[1]!.startsWith('type '));
}
