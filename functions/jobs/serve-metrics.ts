import type { Context } from 'aws-lambda';
import { metricSource } from '../../lib/operations/metrics/cloudwatch.gateway.ts';
import { mayScrape } from '../../lib/operations/metrics/credential.ts';
import { scrape } from '../../lib/operations/metrics/scrape.ts';
import { contentType } from '../../lib/operations/metrics/text.ts';
import { cloudWatch } from '../../lib/platform/cloudwatch.ts';
import { config } from '../../lib/platform/config.ts';
import { logged, runtime, wireOnce } from '../../lib/platform/handlers/lambda.ts';
import { scrapeTokens } from '../../lib/platform/secrets.ts';
import { jobs } from '../jobs.ts';

type Deps = { tokens: () => Promise<readonly string[]>; read: () => Promise<string>; now: () => number };
type Request = { headers?: Readonly<Record<string, string | undefined>> };
type Answer = { statusCode: number; headers: Record<string, string>; body: string };

/** Two Prometheus that scrape the same pay CloudWatch once. */
const keepMs = 15_000;
let last: { text: string; until: number } | undefined;

/** Answers Prometheus, which shows a token. Nobody else learns anything, nor makes CloudWatch be asked. */
export async function run({ tokens, read, now }: Deps, request: Request): Promise<Answer> {
  if (!mayScrape(request.headers?.authorization, await tokens())) {
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'www-authenticate': 'Bearer' };
    return { statusCode: 401, headers, body: 'Metrics need the bearer token of the stage.\n' };
  }
  if (last === undefined || last.until <= now()) last = { text: await read(), until: now() + keepMs };
  return { statusCode: 200, headers: { 'content-type': contentType, 'cache-control': 'no-store' }, body: last.text };
}

const { name, databaseRole, timeoutSeconds } = jobs['serve-metrics'];

const wired = wireOnce(runtime, ({ clock }) => ({
  tokens: scrapeTokens,
  read: () => scrape(metricSource(cloudWatch(), config().STAGE), config().STAGE, clock),
  now: clock.now,
}));

const says = {
  databaseRole,
  timeoutSeconds,
  line: { job: name },
  done: 'metrics served',
  failed: 'metrics not served',
};

export const handler = (request: Request, context?: Context): Promise<Answer> =>
  logged(wired(), context, says, async ({ deps, line, within }) => {
    const answer = await within(run(deps, request));
    line.status = answer.statusCode;
    return answer;
  });
