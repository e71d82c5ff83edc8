import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import postgres, { type Sql } from 'postgres';
import { resetStack } from '../../infra/local/stack.ts';
import { bigintAsNumber } from '../../lib/platform/sql.ts';
import { freePort } from '../e2e/checkout.ts';
import { launchStack, type StackProcess } from '../soak/stack.ts';
import { testDynamoClient } from '../support/dynamo.ts';
import { allCharges, type ProviderCharge } from '../support/provider-transactions.ts';
import type { Shop } from './customers.ts';

type Size = {
  standby?: boolean;
  /** The folder of a package with the programs of another version of PostgreSQL. */
  programs?: string;
};

/** A stack in a process of its own, which a drill may kill, with the demo shop in it. */
export type World = {
  stack: StackProcess;
  shop: Shop;
  /** The folder of the stack. */
  directory: string;
  charges(): Promise<ProviderCharge[]>;
  close(): Promise<void>;
};

export async function openWorld({ standby = false, programs }: Size = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-drill-'));
  return await worldIn(folder, { standby, ...(programs && { programs }) });
}

/** A world in a folder, which may hold a stack's files already. */
export async function worldIn(folder: string, { standby = false, programs }: Size): Promise<World> {
  const directory = join(folder, 'stack');
  const settings = {
    RATE_LIMIT_PER_MINUTE: '1000000',
    MAX_UNPAID_ORDERS: '1000000',
    MAX_UNPAID_UNITS: '1000000',
    PAYMENT_TIMEOUT_MS: '500',
    RECONCILE_GRACE_SECONDS: '1',
  };
  const onDeath = (how: string) => console.error(`the stack ended by itself with ${how}; see ${folder}/stack.log`);
  const port = await freePort();
  const stack = await launchStack({ directory: folder, port, settings, standby, programs, onLine: () => {}, onDeath });
  const { clientId, dynamoEndpoint } = stack.address();
  const demo = JSON.parse(await readFile(join(directory, 'demo.json'), 'utf8')) as {
    customer: Shop['customer'];
    products: { id: string }[];
  };
  return {
    stack,
    directory,
    shop: {
      baseUrl: () => stack.address().baseUrl,
      clientId,
      customer: demo.customer,
      productIds: demo.products.map(({ id }) => id),
    },
    async charges() {
      const dynamo = testDynamoClient(stack.address().dynamoEndpoint ?? dynamoEndpoint);
      return allCharges(DynamoDBDocument.from(dynamo)).finally(() => dynamo.destroy());
    },
    async close() {
      await stack.stop();
      await resetStack(directory);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs `use` with a connection that reads as the product's own code does. */
export async function asUser<T>(socketDir: string, user: string, use: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres({
    host: socketDir,
    user,
    database: 'counterfoil',
    max: 2,
    transform: { column: { from: postgres.toCamel } },
    types: { bigint: bigintAsNumber },
    onnotice: () => {},
  }) as unknown as Sql;
  try {
    return await use(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

export const socketDirOf = async ({ stack }: World): Promise<string> => dirname(await stack.socketPath());

/** Sweeps until no order is under way. @returns how long that took, in milliseconds */
export async function untilEnded(world: World): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    await world.stack.sweep().catch(() => {});
    const open = await asUser(await socketDirOf(world), 'rdsadmin', async (sql) => {
      const [row] = await sql`select count(*)::integer as count from monitor.open_orders`;
      return row!.count as number;
    }).catch(() => undefined);
    if (open === 0) return performance.now() - startedAt;
    await sleep(200);
  }
}

export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
