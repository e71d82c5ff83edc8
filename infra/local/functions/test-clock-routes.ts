import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type InputError, Problem } from '../../../lib/contract/api/problems.ts';
import type { Reading, TestClock } from '../test-clock.ts';
import { problemAnswer } from './gateway.ts';

/** An operation that the local gateway answers itself. */
export type OwnRoute = {
  method: 'GET' | 'POST';
  path: string;
  answer(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2>;
};

const longestMove = 10 * 365 * 24 * 3600;
/** Less than the 68 years that an order's age in seconds may have in a PostgreSQL integer. */
const farthest = 50 * 365 * 24 * 3600;

/**
 * The operations that read and move the local stack's clock. They are in no table of routes, so that only the local
 * gateway has them.
 */
export function testClockRoutes(clock: { read(): Reading } & TestClock): OwnRoute[] {
  return [
    { method: 'GET', path: '/test-clock', answer: async () => json(clock.read()) },
    {
      method: 'POST',
      path: '/test-clock/advance',
      async answer(event) {
        try {
          return json(await clock.advance(secondsOf(event, clock.read().ahead)));
        } catch (error) {
          if (error instanceof Problem) return problemAnswer(error, event.rawPath);
          throw error;
        }
      },
    },
  ];
}

const json = (body: object): APIGatewayProxyStructuredResultV2 => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
});

/** @throws Problem unsupported-media-type, invalid-json, invalid-input */
function secondsOf({ headers, body = '' }: APIGatewayProxyEventV2, ahead: number): number {
  // Also stops pages of other sites: a browser does not send JSON across sites without a preflight request.
  if (!/^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new Problem('unsupported-media-type', 'Send the body as application/json.');
  }
  const errors = findErrors(parse(body), ahead);
  const [first] = errors;
  if (first === undefined) return (parse(body) as { seconds: number }).seconds;
  throw new Problem('invalid-input', `${first.pointer || 'The body'} ${first.detail}.`, { errors });
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new Problem('invalid-json', 'The body cannot be parsed as JSON.', { cause });
  }
}

function findErrors(input: unknown, ahead: number): InputError[] {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return [{ pointer: '', detail: 'must be an object' }];
  }
  const { seconds, ...others } = input as Record<string, unknown>;
  const wrong = errorOf(seconds, ahead);
  return [
    ...(wrong === undefined ? [] : [{ pointer: '/seconds', detail: wrong }]),
    ...Object.keys(others).map((name) => ({
      pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      detail: 'is unknown',
    })),
  ];
}

function errorOf(seconds: unknown, ahead: number): string | undefined {
  if (seconds === undefined) return 'is missing';
  if (typeof seconds !== 'number' || !Number.isInteger(seconds)) return 'must be a whole number';
  if (seconds < 1) return 'must be at least 1';
  if (seconds > longestMove) return `must be at most ${longestMove}`;
  if (ahead + seconds > farthest) return 'would move the clock more than 50 years ahead';
  return undefined;
}
