import { inject, test } from 'vitest';
import { type Answer, type ProblemBody, send, sendOnce } from './client.ts';

const { laptop, limitPerMinute } = inject('target');

/** Run alone, because it stops everybody else at this address for a minute. */
test(`no more than ${limitPerMinute} requests a minute pass, the others are told when to try again`, async ({
  expect,
}) => {
  const extra = 15;
  // Waits, where it must, until what ran before is out of the way.
  const room = leftOf(await send('GET', '/products?limit=1'));
  const startedAt = Date.now();
  const answers = await Promise.all(
    Array.from({ length: limitPerMinute + extra }, () => sendOnce('GET', '/products?limit=1')),
  );
  expect(Date.now() - startedAt, 'all of it happened within a minute').toBeLessThan(60_000);
  const refused = answers.filter(({ status }) => status === 429);
  // A target that is too busy says so with 503, whether it had counted the request by then or not.
  const passed = answers.filter(({ status, headers }) => status !== 429 && headers.has('ratelimit'));
  for (const { status, text } of answers) expect([200, 429, 503], text).toContain(status);
  // Elsewhere room may come back meanwhile, from requests of a minute ago.
  if (laptop) expect(passed.map(leftOf).sort((a, b) => a - b)).toEqual(Array.from({ length: room }, (_, i) => i));
  else expect(passed.length).toBeLessThanOrEqual(limitPerMinute);
  for (const { headers, body } of refused) {
    const problem = body as ProblemBody;
    expect(problem).toMatchObject({ status: 429, code: 'rate-limited', requestId: headers.get('x-request-id') });
    const wait = Number(headers.get('retry-after'));
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThanOrEqual(65);
    expect(headers.get('ratelimit')).toContain(`"address";r=0;t=${wait},`);
    expect(headers.get('ratelimit-policy')).toContain(`"address";q=${limitPerMinute};w=60,`);
  }
  expect((await sendOnce('GET', '/health')).status, 'health is not counted').toBe(200);
  expect((await sendOnce('GET', '/customers/me')).status, 'every other operation is').toBe(429);
});

/** Requests that the address has left after an answer. */
const leftOf = ({ headers }: Answer): number => Number(/"address";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
