import type { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { createRateLimiter } from '../../lib/auth/limits/rate-limiter.dynamo.ts';
import { limitOf } from '../../lib/contract/deploy/limits.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { documentsThat, startTestDynamo } from '../support/dynamo.ts';
import { sum } from './numbers.ts';

/** What the requests of one subject ask of DynamoDB. Refused writes count, as they are paid for too. */
export type LimiterFigures = {
  situation: string;
  requests: number;
  passed: number;
  keys: number;
  writesPerRequest: number;
  /** The share of all writes that the busiest key took. */
  busiestShare: number;
};

const processes = 8;
const callers = 64;

/** Requests by 64 callers through eight limiters that share nothing but the table, as eight processes would. */
export async function measureLimiter(requests: number): Promise<LimiterFigures[]> {
  const situations = [
    { situation: 'below the limit, one key', limit: limitOf('standard', 'application', 100) },
    { situation: 'below the limit, spread', limit: limitOf('high', 'application', 100) },
    { situation: 'ten times the limit, one key', limit: requests / 10 },
    { situation: 'ten times the limit, spread', limit: requests / 10, perKey: requests / 50 },
  ];
  const dynamo = await startTestDynamo([{ name: 'limits', ...tables.limits }]);
  try {
    const figures: LimiterFigures[] = [];
    for (const { situation, ...numbers } of situations) {
      figures.push({ situation, ...(await ask(dynamo.documents, { ...numbers, requests, subject: situation })) });
    }
    return figures;
  } finally {
    await dynamo.stop();
  }
}

async function ask(
  documents: DynamoDBDocument,
  { subject, limit, perKey, requests }: { subject: string; limit: number; perKey?: number; requests: number },
): Promise<Omit<LimiterFigures, 'situation'>> {
  const writes = new Map<string, number>();
  const client = documentsThat((command, options) => {
    const key = (command.input as { Key: { subject: string } }).Key.subject;
    writes.set(key, (writes.get(key) ?? 0) + 1);
    return documents.send(command as never, options);
  });
  const options = { client, table: 'limits', clock: systemClock, timeoutMs: 60_000, ...(perKey && { perKey }) };
  const limiters = Array.from({ length: processes }, () => createRateLimiter(options));
  let left = requests;
  let passed = 0;
  const caller = async (i: number) => {
    while (left-- > 0) if ((await limiters[i % processes]!(subject, limit)).allowed) passed++;
  };
  await Promise.all(Array.from({ length: callers }, (_, i) => caller(i)));
  const written = sum(writes.values());
  return {
    requests,
    passed,
    keys: writes.size,
    writesPerRequest: written / requests,
    busiestShare: Math.max(...writes.values()) / written,
  };
}
