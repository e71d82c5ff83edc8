import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { consumers } from '../../functions/consumers.ts';
import { jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import { roomOf, rooms } from '../../infra/docs/rooms.ts';
import { stateMachines } from '../../lib/contract/deploy/route.ts';

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

/** The area a file stands in, by its path. */
function areaOf(file: string): string {
  if (/^functions\/(routes|steps|jobs|streams|consumers)\.ts$/.test(file)) return 'table';
  if (file.startsWith('functions/')) return 'handler';
  if (file.startsWith('infra/local/')) return 'local';
  if (file.startsWith('infra/container/')) return 'container';
  if (file.startsWith('infra/')) return 'infra';
  if (file.startsWith('test/')) return 'test';
  return file.startsWith('lib/') ? 'lib' : 'package';
}

/** Which areas the files around `lib/` may import. */
const allowed: Record<string, readonly string[]> = {
  table: ['lib', 'table'],
  handler: ['lib', 'table'],
  infra: ['infra', 'lib', 'table'],
  local: ['local', 'infra', 'lib', 'table'],
  container: ['container', 'local', 'infra', 'lib', 'table'],
};

describe('rooms', () => {
  const between = imports.filter(
    ({ from, to }) => !from.startsWith('test/') && !/^[@a-z][^/]*$|^(node:|@)|^[a-z][a-z0-9-]*\/(?!.*\.ts$)/.test(to),
  );

  test('every file of lib stands in a room', () => {
    expect(files.filter((file) => file.startsWith('lib/') && roomOf(file) === undefined)).toEqual([]);
  });

  test('a file imports only from the rooms that its own may import from', () => {
    const trespasses = between
      .filter(({ from, to }) => {
        const [room, target] = [roomOf(from), roomOf(to)];
        if (room === undefined) return !allowed[areaOf(from)]?.includes(areaOf(to));
        const own: readonly string[] = [room, ...rooms[room].imports];
        return target === undefined || !own.includes(target);
      })
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(trespasses).toEqual([]);
    expect(between.length).toBeGreaterThan(100);
  });

  test('a room needs only rooms that stand above it in the table', () => {
    const names = Object.keys(rooms);
    for (const [name, { imports: needs }] of Object.entries(rooms)) {
      const above = names.slice(0, names.indexOf(name));
      expect(
        needs.filter((need) => !above.includes(need)),
        name,
      ).toEqual([]);
    }
  });

  test('no import goes round in a circle', () => {
    const next = new Map<string, string[]>();
    for (const { from, to, dynamic } of between) if (!dynamic) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file) || path.includes(file)) return;
      for (const target of next.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of next.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('nothing outside them imports infra or test', () => {
    const trespasses = imports.filter(({ from, to }) => !/^(infra|test)\//.test(from) && /^(infra|test)\//.test(to));
    expect(trespasses).toEqual([]);
  });

  test('handlers never import each other', () => {
    expect(between.filter(({ from, to }) => areaOf(from) === 'handler' && areaOf(to) === 'handler')).toEqual([]);
  });

  test('infra never imports a handler: synthesizing would run it', () => {
    const static_ = imports.filter(
      ({ from, to, dynamic }) => from.startsWith('infra/') && areaOf(to) === 'handler' && !dynamic,
    );
    expect(static_).toEqual([]);
  });

  test('kernel imports nothing but node', () => {
    const foreign = imports.filter(
      ({ from, to }) => from.startsWith('lib/kernel/') && !/^(node:|lib\/kernel\/)/.test(to),
    );
    expect(foreign).toEqual([]);
  });

  test('a room other than platform touches an SDK only in files that say so in their names', () => {
    const sdk = /^(postgres|stripe|@aws-sdk\/|@smithy\/|@aws-lambda-powertools\/)/;
    const stray = imports.filter(
      ({ from, to }) =>
        roomOf(from) !== undefined &&
        roomOf(from) !== 'platform' &&
        sdk.test(to) &&
        !/\.(sql|dynamo|gateway)\.ts$/.test(from) &&
        !typeOnly(from, to),
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
    .filter((file) => areaOf(file) === 'handler')
    .map((file) => file.slice('functions/'.length, -3));
  const named = [routes, steps, jobs, streams, consumers]
    .flatMap((table) => Object.values<{ handler: string }>(table))
    .map(({ handler }) => handler);

  test('every handler stands in exactly one table, and every row has its handler', () => {
    expect([...named].sort()).toEqual([...handlers].sort());
    expect(new Set(named).size).toBe(named.length);
  });

  test('every placeholder of a state machine has a row, and every row is used', () => {
    const asl = stateMachines.map((name) => readFileSync(join(root, `infra/saga/${name}.asl.json`), 'utf8'));
    const placeholders = [...asl.join().matchAll(/\$\{(\w+)\}/g)].map((m) => m[1]!);
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

  // A laptop lets every function log in as every role, so only AWS would refuse another one.
  test('a handler logs in as the roles of its row, and as no other', () => {
    const rows = [routes, steps, jobs, streams, consumers].flatMap((table) =>
      Object.values<{ handler: string; databaseRole: string | null; asks?: readonly string[] }>(table),
    );
    for (const { handler, databaseRole, asks = [] } of rows) {
      const text = readFileSync(join(root, `functions/${handler}.ts`), 'utf8');
      const used = [...text.matchAll(/\b(?:sqlAs|openRoom|reportsAs)\('(\w+)'/g)].map((m) => m[1]!);
      const own: (string | null)[] = [databaseRole, ...asks];
      expect(
        used.filter((role) => !own.includes(role)),
        handler,
      ).toEqual([]);
      expect(
        asks.filter((role) => !used.includes(role)),
        handler,
      ).toEqual([]);
    }
  });

  test('a handler tells the publisher of its events exactly if its row says that it writes some', () => {
    for (const { handler, writesEvents } of Object.values(routes)) {
      const text = readFileSync(join(root, `functions/${handler}.ts`), 'utf8');
      expect(/\bannouncing\(run\)|\btellPublisher\(/.test(text), handler).toBe(writesEvents === true);
    }
  });

  test('a handler that talks to the provider touches no database, and the other way round', () => {
    for (const { provider, databaseRole } of Object.values(steps)) expect(provider).toBe(databaseRole === null);
    const outside = ['identity', 'wakesWebhooks', 'tells', 'readsMetrics'];
    for (const { provider, databaseRole, ...job } of Object.values(jobs)) {
      expect(provider || outside.some((name) => name in job)).toBe(databaseRole === null);
    }
  });
});

describe('what pins a session of RDS Proxy', () => {
  test('is in no statement of a handler', () => {
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

/** Whether a file imports only types from this package. */
function typeOnly(from: string, to: string): boolean {
  const text = readFileSync(join(root, from), 'utf8');
  const statements = [...text.matchAll(/import\s([^'"`;]*?)\sfrom\s['"]([^'"]+)['"]/g)].filter((m) => m[2] === to);
  return statements.every((m) => m[1]!.startsWith('type '));
}
