import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, request as requestOf } from 'node:http';
import { buffer } from 'node:stream/consumers';

/**
 * The judge that this run has for a stand-in, as `npm run test:judges` passes it. Without one the stand-in is by itself.
 */
export const judgeOf = (standIn: 'stripe' | 'dynamodb' | 'pgbouncer'): string | undefined =>
  process.env[`JUDGE_${standIn.toUpperCase()}`];

/** For tests that no judge of a stand-in may see: they are about the stand-in itself, or the judge is laxer than AWS. */
export const isJudged = (standIn: Parameters<typeof judgeOf>[0]): boolean => judgeOf(standIn) !== undefined;

/** Tells the command that runs the judge what was judged, in one line. */
export function judged(line: string): void {
  if (process.env.JUDGED !== undefined) appendFileSync(process.env.JUDGED, `${line}\n`);
}

/** One request on a connection of its own, without the timers of `fetch`, which tests with a clock of theirs count. */
export async function ask(
  url: URL,
  { method, headers, body }: { method: string; headers: IncomingHttpHeaders; body: Buffer | string },
): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
  const request = requestOf(url, { method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
}
