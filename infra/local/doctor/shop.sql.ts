import { join } from 'node:path';
import { type Check, count, duration, type Finding, fail, ok, type Patient, warn } from './check.ts';

const hour = 3_600_000;
/** Orders end within a second; a customer who acts on a payment has longer. */
const longOpenMs = 5 * 60_000;
/** Of the orders of an hour. */
const manyFailed = 0.2;
const fewOrders = 5;
const lateEventMs = 60_000;
const lateMailMs = 10 * 60_000;

/** The four questions about the shop: are we selling, is anything stuck, does everything add up, does news get out. */
export const shopChecks: readonly Check[] = [
  { name: 'orders', needs: ['migrations'], run: checkOrders },
  { name: 'open orders', needs: ['migrations'], run: checkOpen },
  { name: 'manual review', needs: ['migrations'], run: checkReviews },
  { name: 'invariants', needs: ['migrations'], run: checkInvariants },
  { name: 'events', needs: ['migrations'], run: checkEvents },
  { name: 'mails', needs: ['migrations'], run: checkMails },
];

/** What failures of orders mean, and what mends them. A card that is declined is the customer's. */
const failures: Readonly<Record<string, { text: string; mend: string; page: string }>> = {
  'payment-unknown': {
    text: 'the payment provider does not answer, or its answer was lost',
    mend: 'see whether the provider works; orders that fail keep no money, and new ones go through when it answers',
    page: 'docs/runbooks/saga-failed.md',
  },
  'out-of-stock': {
    text: 'products are sold out',
    mend: 'npm start shows GET /products?inStock=false; POST /stock-movements adds stock',
    page: 'docs/runbooks/stock-outs.md',
  },
  'saga-ended': {
    text: 'executions end without ending their orders',
    mend: 'npm run doctor names their errors under sagas',
    page: 'docs/runbooks/saga-failed.md',
  },
  compensated: {
    text: 'a step kept failing, and everything was compensated',
    mend: 'place an order: when it is confirmed, it is over; GET /manual-review/orders/{orderId} shows each attempt of each step with its error, and so does the console on a laptop',
    page: 'docs/runbooks/saga-failed.md',
  },
};

async function checkOrders({ sql, now }: Patient): Promise<Finding[]> {
  const since = new Date(now() - hour);
  const rows = await sql('migrator')<
    { status: string; code: string | null; count: number; last: Date; ids: string[] }[]
  >`
    select status, failure_code as code, count(*)::integer as count, max(created_at) as last,
      to_jsonb((array_agg(id::text order by updated_at desc))[1:3]) as ids
    from orders.orders where created_at > ${since} group by 1, 2 order by 3 desc`;
  const all = rows.reduce((sum, row) => sum + row.count, 0);
  if (all === 0) return [ok('No order was placed within an hour.')];
  const confirmed = rows.filter(({ status }) => status === 'confirmed').reduce((sum, row) => sum + row.count, 0);
  const text = `${count(all, 'order')} within an hour, ${confirmed} confirmed.`;
  const lastConfirmed = Math.max(
    ...rows.flatMap(({ status, last }) => (status === 'confirmed' ? [last.getTime()] : [])),
  );
  const failed = rows.filter(({ code }) => code !== null && Object.hasOwn(failures, code));
  const findings = failed
    .filter((row) => all >= fewOrders && row.count > manyFailed * all)
    .map(({ code, count: many, ids, last }) => {
      const { text: why, mend, page } = failures[code!]!;
      const text = `${many} of ${all} orders within an hour failed with ${code}: ${why}. The last: ${ids.join(', ')}.`;
      return lastConfirmed > last.getTime()
        ? warn(`${text} Orders that were placed later are confirmed, so it seems to be over.`, mend, page)
        : fail(text, mend, page);
    });
  return findings.length > 0 ? findings : [ok(text)];
}

async function checkOpen({ sql, now }: Patient): Promise<Finding> {
  const [row] = await sql('migrator')<{ count: number; oldest: Date | null; ids: string[] | null }[]>`
    select count(*)::integer as count, min(updated_at) as oldest, to_jsonb((array_agg(order_id::text order by updated_at))[1:3]) as ids
    from monitor.open_orders where status <> 'pending_payment' and updated_at < ${new Date(now() - longOpenMs)}`;
  const { count: many, oldest, ids } = row!;
  return many === 0
    ? ok('No order is stuck.')
    : fail(
        `${count(many, 'order')} have been open for ${duration(now() - oldest!.getTime())} or less: ${ids!.join(', ')}.`,
        'npm run doctor names the errors of their sagas; the sweeper goes on with them each minute',
        'docs/runbooks/orders-stuck.md',
      );
}

async function checkReviews({ sql, now, url, directory }: Patient): Promise<Finding> {
  const [row] = await sql('migrator')<{ count: number; oldest: Date | null; ids: string[] | null }[]>`
    select count(*)::integer as count, min(waiting_since) as oldest, to_jsonb((array_agg(order_id::text order by waiting_since))[1:3]) as ids
    from monitor.manual_reviews_waiting`;
  const { count: many, oldest, ids } = row!;
  return many === 0
    ? ok('No order waits for a person.')
    : warn(
        `${count(many, 'order')} ${many === 1 ? 'waits' : 'wait'} for a person, the first since ${duration(now() - oldest!.getTime())}: ${ids!.join(', ')}.`,
        retryOf(ids![0]!, url, directory),
        'docs/runbooks/orders-in-manual-review.md',
      );
}

/** The command that compensates an order again. */
function retryOf(id: string, url: string | undefined, directory: string | undefined): string {
  const key = directory === undefined ? '$KEY' : `$(node -p "require('${join(directory, 'demo.json')}').appKey")`;
  return `when the cause is gone: curl -s -X POST ${url ?? '$API'}/manual-review/orders/${id}/retry -H "idempotency-key: retry-$(date +%s)" -H "authorization: Bearer ${key}"`;
}

async function checkInvariants({ sql, now }: Patient): Promise<Finding[]> {
  const violations = await sql('migrator')<{ invariant: string; count: number; subjects: string[] }[]>`
    select invariant, count(*)::integer as count, to_jsonb((array_agg(subject order by first_seen))[1:3]) as subjects
    from monitor.violations group by 1`;
  const open = await sql('migrator')<{ kind: string; count: number; advice: string; subject: string }[]>`
    select kind, count(*)::integer as count, min(advice) as advice, min(subject) as subject
    from monitor.findings where cleared_at is null group by 1`;
  const findings = [
    ...violations.map(({ invariant, count: many, subjects }) =>
      fail(
        `The invariant ${invariant} does not hold for ${many}: ${subjects.join(', ')}.`,
        'see the page of the invariant',
        `docs/runbooks/invariant-${invariant}.md`,
      ),
    ),
    ...open.map(({ kind, count: many, advice, subject }) =>
      warn(
        `Reconciliation found ${kind} ${many} times, first ${subject}. ${advice}`,
        undefined,
        'docs/runbooks/reconciliation.md',
      ),
    ),
  ];
  if (findings.length > 0) return findings;
  const [checked] = await sql('migrator')<{ until: Date | null }[]>`
    select min(changed_until) as until from monitor.checks where name like 'invariants-%'`;
  const until = checked?.until ?? null;
  return [
    ok(
      until === null
        ? 'Nothing was checked yet.'
        : `Everything adds up, as checked ${duration(now() - until.getTime())} ago.`,
    ),
  ];
}

async function checkEvents({ sql, now }: Patient): Promise<Finding> {
  const [row] = await sql('migrator')<{ count: number; oldest: Date | null }[]>`
    select count(*)::integer as count, min(occurred_at) as oldest from outbox.events where published_at is null`;
  const { count: many, oldest } = row!;
  const age = oldest === null ? 0 : now() - oldest.getTime();
  return age > lateEventMs
    ? fail(
        `${count(many, 'event')} ${many === 1 ? 'waits' : 'wait'} in the outbox, the first for ${duration(age)}: consumers and webhooks get nothing.`,
        'see that publish-events runs and that the bus answers; nothing is lost meanwhile',
        'docs/runbooks/events-late.md',
      )
    : ok(many === 0 ? 'Every event has been published.' : `${count(many, 'event')} are about to be published.`);
}

async function checkMails({ sql, now }: Patient): Promise<Finding> {
  const [row] = await sql('migrator')<{ late: number; given_up: number; givenUp: number }[]>`
    select
      (count(*) filter (where sent_at is null and given_up_at is null and created_at < ${new Date(now() - lateMailMs)}))::integer as late,
      (count(*) filter (where given_up_at > ${new Date(now() - 24 * hour)}))::integer as given_up
    from customers.mails`;
  const { late, givenUp } = row!;
  return late + givenUp > 0
    ? warn(
        `${count(late, 'mail')} are late, and ${givenUp} were given up within a day.`,
        'see the errors of jobs/send-mails in the logs',
        'docs/runbooks/mails-given-up.md',
      )
    : ok('No mail is late.');
}
