import { ask, judged, judgeOf } from './judges.ts';

/** What a stand-in for Stripe was asked and, where it was no refusal, what it answered. */
export type Exchange = {
  method: string;
  /** With its query. */
  url: string;
  authorization: string;
  body: string;
  answer: unknown;
};

/**
 * Shows exchanges to stripe-mock, which has Stripe's own description of its API: a request that it refuses is one that
 * Stripe would refuse, and a field of an answer that it does not have is one that the stand-in made up. Without a judge
 * nothing is shown.
 */
export function stripeJudge() {
  const judge = judgeOf('stripe');
  const exchanges: Exchange[] = [];
  return {
    note(exchange: Exchange): void {
      if (judge !== undefined) exchanges.push(exchange);
    },
    /** @throws Error with everything that was refused */
    async verdict(): Promise<void> {
      if (judge === undefined) return;
      const found = (await Promise.all(exchanges.map((exchange) => examine(judge, exchange)))).flat();
      if (found.length > 0) throw new Error(`stripe-mock refuses:\n${[...new Set(found)].join('\n')}`);
    },
  };
}

async function examine(judge: string, { method, url, authorization, body, answer }: Exchange): Promise<string[]> {
  const { pathname, search } = new URL(url, judge);
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
  const response = await ask(new URL(url, judge), { method, headers, body: method === 'GET' ? '' : body });
  const verdict = JSON.parse(response.body.toString()) as { error?: { message: string } };
  const call = `${method} ${pathname.replace(/\/pi_\w+/, '/:id')}`;
  const parameters = [...new URLSearchParams(method === 'GET' ? search : body).keys()].toSorted().join(' ');
  if (response.status !== 200) return [`${call} ${parameters}: ${verdict.error?.message}`];
  judged(`${call} ${parameters}`);
  const known = fieldsOf(verdict);
  return fieldsOf(answer)
    .filter((field) => !known.includes(field))
    .map((field) => `${call} answers with ${field}, which is no field there`);
}

/** Of an object; of a list its own and those of what it holds. */
function fieldsOf(answer: unknown): string[] {
  if (typeof answer !== 'object' || answer === null) return [];
  const inside = 'data' in answer && Array.isArray(answer.data) ? answer.data.flatMap(fieldsOf) : [];
  return [...Object.keys(answer), ...inside];
}
