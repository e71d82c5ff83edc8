import type { Sql } from 'postgres';

/** An order with everything that the database has of it. */
export type OrderBalance = {
  id: string;
  status: string;
  total: number;
  wasConfirmed: boolean;
  payments: {
    status: string;
    amount: number;
    claimed: number;
    refunded: number;
    released: number;
    authorized: boolean;
    events: string[];
  }[];
  refunds: { status: string; amount: number; events: string[] }[];
  lines: { product: string; quantity: number; cancelled: number; putBack: number }[];
  reservations: { product: string; quantity: number; state: string; moves: string[] }[];
  timeline: { type: string; from: string | null; to: string | null }[];
  events: string[];
};

/** Reads orders from the tables: these, or all. */
export async function readOrders(sql: Sql, orderIds?: readonly string[]): Promise<OrderBalance[]> {
  return sql<OrderBalance[]>`
    select o.id, o.status, o.total, o.confirmed_at is not null as was_confirmed,
      (
        select coalesce(jsonb_agg(jsonb_build_object(
          'status', p.status, 'amount', p.amount, 'claimed', p.refund_claimed, 'refunded', p.refunded_amount,
          'released', p.released_amount,
          'authorized', p.authorized_at is not null,
          'events', (
            select coalesce(jsonb_agg(e.type order by e.sequence), '[]') from outbox.events e
            where e.subject = p.id and e.aggregate_id = p.order_id
          )
        )), '[]')
        from payments.payments p where p.order_id = o.id
      ) as payments,
      (
        select coalesce(jsonb_agg(jsonb_build_object('status', r.status, 'amount', r.amount, 'events', (
          select coalesce(jsonb_agg(e.type), '[]') from outbox.events e where e.subject = r.id
        ))), '[]')
        from payments.refunds r where r.order_id = o.id
      ) as refunds,
      (
        select coalesce(jsonb_agg(jsonb_build_object(
          'product', l.product_id, 'quantity', l.quantity, 'cancelled', l.cancelled, 'putBack', (
            select coalesce(sum(m.quantity), 0) from stock.movements m
            where m.order_id = l.order_id and m.product_id = l.product_id and m.kind = 'cancellation'
          )
        )), '[]')
        from orders.lines l where l.order_id = o.id
      ) as lines,
      (
        select coalesce(jsonb_agg(jsonb_build_object(
          'product', r.product_id, 'quantity', r.quantity, 'state', r.state, 'moves', (
            select coalesce(jsonb_agg(m.kind order by m.kind), '[]') from stock.movements m
            where m.order_id = r.order_id and m.product_id = r.product_id and m.return_id is null
              and m.cancellation_id is null
          )
        )), '[]')
        from stock.reservations r where r.order_id = o.id
      ) as reservations,
      (
        select coalesce(jsonb_agg(jsonb_build_object(
          'type', t.type, 'from', t.detail -> 'from', 'to', t.detail -> 'to'
        ) order by t.version, t.entry), '[]')
        from orders.timeline t where t.order_id = o.id
      ) as timeline,
      (
        select coalesce(jsonb_agg(e.type order by e.type), '[]') from outbox.events e where e.subject = o.id
      ) as events
    from orders.orders o
    ${orderIds === undefined ? sql`` : sql`where o.id in ${sql([...orderIds])}`}`;
}

/** What the provider has of an order: an amount in minor units, or that it does not say. */
export type Kept = number | 'unknown';

const ended = ['confirmed', 'failed', 'cancelled', 'needs_attention'];
const movesOf: Record<string, string> = {
  held: 'reservation',
  committed: 'commitment,reservation',
  released: 'release,reservation',
  returned: 'commitment,reservation,return',
};

/** What of an order breaks an invariant, in sentences. */
export function breachesOfOrder(order: OrderBalance, charged: Kept = 0): string[] {
  const { status, total, payments, refunds, lines, reservations, timeline, events } = order;
  // What is held counts too: it must not be kept of an order that was compensated.
  const paid = payments
    .filter((payment) => payment.status === 'captured' || payment.status === 'authorized')
    .reduce((sum, { amount }) => sum + amount, 0);
  const authorized = payments.some((payment) => payment.authorized);
  const captured = payments.some((payment) => payment.events.includes('payment.captured'));
  const hasStatus = (...of: string[]) => payments.some((payment) => of.includes(payment.status));
  // A line that was cancelled whole gave its stock back before, whatever becomes of its order.
  const gone = new Set(lines.filter(({ quantity, cancelled }) => cancelled === quantity).map(({ product }) => product));
  const states = (...of: string[]) =>
    reservations.filter(({ product, state }) => of.includes(state) && !gone.has(product));
  const happened = (type: string) => timeline.filter((entry) => entry.type === type).length;
  const parts = (of: string) => refunds.filter((refund) => refund.status === of);
  const sumOf = (of: string) => parts(of).reduce((sum, { amount }) => sum + amount, 0);
  const [given, open] = [sumOf('succeeded'), sumOf('requested')];
  // What will not be captured is held until the rest is.
  const held = payments.reduce((sum, { status: of, released }) => sum + (of === 'authorized' ? released : 0), 0);
  const times = (type: string, expected: number): [boolean, string] => [
    happened(type) === expected,
    `the timeline has ${happened(type)} of ${type}`,
  ];
  const once = (type: string, did: boolean) => times(type, Number(did));
  const changes = timeline.filter(({ type }) => type === 'status-changed');
  // A compensation may be run again and again.
  const byItself = changes
    .map(({ from, to }) => `${from} ${to}`)
    .filter((change) => !change.includes('needs_attention'));
  const declared = changes.at(-1)?.from === 'needs_attention';
  const path = ['pending', ...changes.map(({ to }) => to)];
  const told = [
    'order.placed',
    ...(byItself.includes('pending reserved') ? ['order.reserved'] : []),
    ...changes
      // A capture that is made again takes its order back to where it was.
      .filter(({ from, to }) => ended.includes(to!) && !(from === 'needs_attention' && to === 'confirmed'))
      .map(({ to }) => to)
      .map((each) => `order.${each === 'needs_attention' ? 'in_review' : each}`),
  ].sort();
  const committed = lines.every(({ product, quantity, cancelled }) =>
    reservations.some(
      (r) =>
        r.product === product &&
        (gone.has(product) ? r.state === 'returned' : r.quantity === quantity - cancelled && r.state === 'committed'),
    ),
  );
  const general: [boolean, string][] = [
    [ended.includes(status), 'it has not ended'],
    [payments.length <= 1, `it has ${payments.length} payments`],
    [charged === 'unknown' || (charged >= 0 && charged <= total), `its total is ${total}, the provider has ${charged}`],
    ...reservations.map(({ product, state, moves }): [boolean, string] => [
      movesOf[gone.has(product) && state === 'returned' ? 'committed' : state] === moves.join(),
      `its stock is ${state} by ${moves.join()}`,
    ]),
    ...lines.map(({ cancelled, putBack }): [boolean, string] => [
      cancelled === putBack,
      `${cancelled} units of a line were cancelled, ${putBack} put back`,
    ]),
    [path.at(-1) === status && changes.every(({ from }, i) => from === path[i]), `it came by ${path.join(' → ')}`],
    [new Set(byItself).size === byItself.length, `it changed by ${path.join()}`],
    [events.join() === told.join(), `it published ${events.join()}`],
    once('order-placed', true),
    once('stock-reserved', reservations.length > 0),
    once('stock-committed', order.wasConfirmed),
    once('payment-authorized', authorized),
    once('payment-captured', captured),
    once('payment-voided', hasStatus('voided')),
    [captured === order.wasConfirmed || authorized, 'it was confirmed without a payment'],
    // One that was cancelled while it was being captured may be given back before we know that it was.
    [!authorized || captured === hasStatus('captured') || hasStatus('refunded'), 'its capture is told of wrongly'],
    times(
      'payment-refunded',
      payments.filter((payment) => payment.status === 'refunded').length + parts('succeeded').length,
    ),
    times('refund-failed', parts('failed').length),
    ...payments.flatMap(({ claimed, refunded }): [boolean, string][] => [
      [refunded === given, `${given} were given back in parts, its payment says ${refunded}`],
      [claimed === given + open, `${given + open} are claimed, its payment says ${claimed}`],
    ]),
    ...payments.map((payment): [boolean, string] => [
      payment.events.join() ===
        [
          ...(payment.authorized ? ['payment.authorized'] : []),
          ...(captured ? ['payment.captured'] : []),
          ...(payment.status === 'voided' ? ['payment.voided'] : []),
          ...(payment.status === 'refunded' ? ['payment.refunded'] : []),
        ].join(),
      `a payment that is ${payment.status} published ${payment.events.join()}`,
    ]),
    ...refunds.map((refund): [boolean, string] => [
      refund.events.join() === (refund.status === 'requested' ? '' : `refund.${refund.status}`),
      `a refund that is ${refund.status} published ${refund.events.join()}`,
    ]),
    once('stock-released', states('released').length > 0),
    once('stock-returned', states('returned').length > 0),
  ];
  const byStatus: Record<string, [boolean, string][]> = {
    confirmed: [
      [payments.length === 1 && paid === total, `its total is ${total}, it is paid ${paid}`],
      [
        charged !== 'unknown' && charged <= paid - given + held && charged >= paid - given - open,
        `it is paid ${paid} less ${given} given back, the provider has ${charged}`,
      ],
      [committed && reservations.length === lines.length, 'its stock is not committed'],
    ],
    failed: compensated(),
    cancelled: compensated(),
  };
  return failing(`order ${order.id} (${status})`, [...general, ...(byStatus[status] ?? [])]);

  function compensated(): [boolean, string][] {
    return [
      // Where the provider says nothing, a person may have declared that nothing is kept.
      [
        paid === 0 && (charged === 0 || (charged === 'unknown' && declared)),
        `it keeps ${paid}, the provider ${charged}`,
      ],
      [states('held', 'committed').length === 0, 'it keeps stock'],
    ];
  }
}

/** Sentences about a thing for the checks that do not hold. */
export const failing = (name: string, checks: [boolean, string][]): string[] =>
  checks.filter(([holds]) => !holds).map(([, breach]) => `${name}: ${breach}`);
