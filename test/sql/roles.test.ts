import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatabaseRole, databaseRoles } from '../../lib/contract/deploy/roles.ts';
import type { Sql } from '../../lib/database/applied.sql.ts';
import { readGrants } from '../support/grants.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../support/postgres.ts';

type Role = Exclude<DatabaseRole, 'migrator'>;
const roles = databaseRoles.filter((role): role is Role => role !== 'migrator');

/** What each role needs, and why. Whatever is not here is refused. */
const needs: Record<Role, Record<string, [may: string, because: string]>> = {
  customers_api: {
    'customers.customers': [
      'select, insert, update(email, name, password_hash, address, premium, version, updated_at, confirmed_at, password_version)',
      'signs people up and in, shows and changes them; the id stays, and nobody is deleted',
    ],
    'customers.email_tokens': ['select, insert, update', 'gives tokens, replaces them and uses them up'],
    'customers.mails': [
      'select(recipient, created_at), insert',
      'writes mails and counts those of an address; what they say it cannot read again',
    ],
    'customers.idempotency_keys': ['select, insert, update', 'keeps first answers, and replaces expired ones'],
    'customers.identities': [
      'select, insert, update(last_used_at), delete',
      'knows who comes from the identity provider, and links and unlinks them; whose an identity is does not change',
    ],
  },
  mailer: {
    'customers.mails': [
      'select, update(subject, body, attempts, next_attempt_at, sent_at, given_up_at)',
      'sends what was written and forgets its text; neither writes mails nor turns them to somebody else',
    ],
  },
  catalog_api: {
    'catalog.products': [
      'select, insert, update(sku, name, description, price_amount, price_currency, active, version, updated_at)',
      'shows, adds and changes products; a product is taken off sale, never deleted',
    ],
    'catalog.idempotency_keys': ['select, insert, update', 'keeps first answers, and replaces expired ones'],
    'stock.levels': [
      'select, update(product_id)',
      'shows a level and locks it before moving it, for which PostgreSQL wants a right to update; its numbers are the ledger’s',
    ],
    'stock.movements': ['select, insert', 'shows the ledger and adds to it; what is written stays'],
  },
  orders_api: {
    'orders.orders': [
      'select, insert, update(status, version, updated_at, correlation_id)',
      'places orders, and marks them as being cancelled; never touches what was agreed',
    ],
    'orders.lines': ['insert', 'writes the lines of a new order; reads them through order_details'],
    'orders.timeline': ['select, insert', 'shows what happened and adds placing and cancelling'],
    'orders.idempotency_keys': ['select, insert, update', 'keeps first answers, and replaces expired ones'],
    'orders.order_details': ['select', 'shows orders with lines and payment'],
    'orders.priceable_products': ['select', 'prices by what is on sale, and sees no more of the catalogue'],
    'orders.priceable_customers': ['select', 'knows who is premium, and nothing else of a customer'],
    'outbox.events': ['insert', 'tells of placed orders; sending is somebody else’s work'],
  },
  refunds_api: {
    'payments.refunds': ['select, insert', 'takes refunds down and shows them; how they end is the saga’s'],
    'payments.payments': ['select, update(refund_claimed)', 'claims of what was paid, and changes nothing else'],
    'payments.refundable_orders': [
      'select',
      'knows an order’s status, total and currency, and nothing of its customer',
    ],
    'orders.idempotency_keys': ['select, insert, update', 'keeps first answers, and replaces expired ones'],
  },
  saga: {
    'orders.orders': [
      'select, update(status, failure_code, failure_detail, abandoned_at, confirmed_at, version, updated_at, payment_action, compensation_attempts)',
      'takes orders forward and back; neither makes them nor changes what was agreed',
    ],
    'orders.order_details': ['select', 'finds orders that nobody works on, with their payment'],
    'orders.timeline': ['insert', 'adds what it did'],
    'stock.wanted': ['select', 'knows what an order takes from the shelf, not what it costs'],
    'stock.levels': [
      'select, update(product_id)',
      'locks levels in order before it reserves; their numbers are the ledger’s',
    ],
    'stock.movements': ['select, insert', 'moves stock through the ledger'],
    'stock.reservations': ['select, insert, update(state)', 'holds, commits and releases; quantity and expiry stay'],
    'payments.payments': [
      'select, insert, update(status, refunded_at, refund_reference, refund_claimed, refunded_amount)',
      'records the capture and what was given back; the amount stays',
    ],
    'payments.refunds': [
      'select, update(status, attempt, failure_code, reference, updated_at)',
      'finds refunds that nobody works on, and writes down how they ended; what was asked for stays',
    ],
    'payments.refundable_orders': ['select', 'knows what the saga of a refund is started with'],
    'outbox.events': ['insert', 'tells how orders ended'],
    'orders.manual_reviews': [
      'select(order_id, attempt, opened_at, from_status, steps, settled_at), insert, update(settled_at, settled_how)',
      'keeps why it put an order into manual review, and takes it back when it is time to try again',
    ],
  },
  operations: {
    'orders.orders': [
      'select, update(status, failure_code, failure_detail, abandoned_at, version, updated_at, compensation_attempts, correlation_id)',
      'takes orders from in manual review back to their compensation, or ends them; never what was agreed, never forward',
    ],
    'orders.order_details': ['select', 'shows orders with lines and payment'],
    'orders.timeline': ['select, insert', 'shows what happened and adds what a person did'],
    'orders.idempotency_keys': ['select, insert, update', 'keeps first answers, and replaces expired ones'],
    'orders.manual_reviews': [
      'select, update(settled_at, settled_how)',
      'shows why orders wait, and that they do no more',
    ],
    'orders.operator_actions': ['select, insert', 'keeps and shows who did what; what is written stays'],
    'stock.wanted': ['select', 'names the products that an order keeps'],
    'stock.reservations': ['select, update(state)', 'shows what an order keeps, and gives it back'],
    'stock.movements': ['select, insert', 'shows how an order’s stock moved, and moves it back'],
    'payments.payments': [
      'select, update(status, refunded_at, refund_reference)',
      'shows the payment, and that a person has given it back; the amount stays',
    ],
    'payments.refunds': ['select', 'shows what was given back in parts'],
    'outbox.events': [
      'select(id, type, subject, occurred_at, published_at, occurrence), insert',
      'shows which events an order had, not what they said, and tells how it ended',
    ],
  },
  audit_writer: {
    'audit.accesses': ['select(id), insert', 'adds records, and learns which were new; reads and changes none'],
    'audit.touched': ['insert', 'adds what each record names'],
    'audit.usage': ['select, insert, update(requests, client_errors, server_errors, buckets)', 'counts requests'],
  },
  audit_reader: {
    'audit.accesses': ['select', 'shows records'],
    'audit.touched': ['select', 'finds records by what they name'],
    'audit.usage': ['select', 'shows what applications used'],
  },
  jobs: {
    'customers.mails': ['select(created_at), delete', 'deletes what is old without reading it'],
    'customers.email_tokens': ['select(expires_at), delete', 'deletes what has expired without reading it'],
    'customers.idempotency_keys': ['select(expires_at), delete', 'deletes what has expired without reading it'],
    'catalog.idempotency_keys': ['select(expires_at), delete', 'deletes what has expired without reading it'],
    'orders.idempotency_keys': ['select(expires_at), delete', 'deletes what has expired without reading it'],
  },
  monitor: {
    'monitor.unended_orders': ['select', 'counts open orders for the release before'],
    'monitor.orders_in_manual_review': ['select', 'counts orders in manual review for the release before'],
    'monitor.open_orders': ['select', 'counts open orders, and checks invariant 4, at the time of the clock'],
    'monitor.manual_reviews_waiting': ['select', 'counts orders in manual review, at the time of the clock'],
    'monitor.stock_violations': ['select', 'checks invariant 1'],
    'monitor.payment_violations': ['select', 'checks invariant 2'],
    'monitor.confirmation_violations': ['select', 'checks invariant 3'],
    'monitor.unended_violations': ['select', 'checks invariant 4 for the release before'],
    'monitor.findings': ['select', 'shows what reconciliation found'],
  },
  reconciler: {
    'monitor.findings': [
      'select, insert, update(details, advice, last_seen, cleared_at, repair, repair_key, repair_input, repaired_at)',
      'keeps what it found and what it did about it; nothing of that is deleted',
    ],
    'monitor.order_balances': ['select', 'compares the money of orders, and sees nothing of customers'],
    'monitor.kept_stock': ['select', 'finds stock that is kept for nobody'],
    'monitor.stock_balances': ['select', 'compares levels with the ledger'],
    'stock.movements': ['select, insert', 'gives stock back through the ledger'],
    'stock.reservations': ['select, update(state)', 'releases what nobody needs'],
  },
};

let database: TestDatabase;
const as = {} as Record<DatabaseRole | 'rdsadmin', Sql>;

beforeAll(async () => {
  database = await createDatabase();
  for (const role of [...databaseRoles, 'rdsadmin' as const]) {
    as[role] = database.connect(role, { max: 1 }) as unknown as Sql;
  }
  // A clone has its template's tables, but not the rights on the database itself.
  await as.migrator.unsafe(`revoke all on database ${database.name} from public`);
  for (const role of roles) await as.migrator.unsafe(`grant connect on database ${database.name} to ${role}`);
});

afterAll(async () => {
  await Promise.all(Object.values(as).map((sql) => sql.end()));
  await database?.drop();
});

describe('what is granted', () => {
  test.each(roles)('%s may do what it needs on tables and views, and no more', async (role) => {
    const granted = (await readGrants(as.migrator, [role]))[role]!;
    expect(granted).toEqual(Object.fromEntries(Object.entries(needs[role]).map(([name, [may]]) => [name, may])));
    expect(Object.keys(granted).length).toBeGreaterThan(0);
  });

  test('everybody has what a role without grants has: nothing', async () => {
    await as.rdsadmin`create role nobody_in_particular`;
    try {
      expect(await readGrants(as.migrator, ['nobody_in_particular'])).toEqual({ nobody_in_particular: {} });
      const [row] = await as.migrator`
        select has_schema_privilege('nobody_in_particular', 'public', 'usage') as public,
          has_schema_privilege('nobody_in_particular', 'kernel', 'usage') as kernel,
          has_database_privilege('nobody_in_particular', ${testPostgres().template}, 'connect') as connect`;
      expect(row).toEqual({ public: false, kernel: false, connect: false });
    } finally {
      await as.rdsadmin`drop role nobody_in_particular`;
    }
  });

  test('no role but the migrator owns anything, may create anything, or stands above others', async () => {
    const rows = await as.rdsadmin`
      select rolname, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication as privileged,
        rolpassword is not null as password,
        (select string_agg(roleid::regrole::text, ', ') from pg_auth_members where member = r.oid) as member_of,
        exists (select from pg_shdepend where refobjid = r.oid and deptype = 'o') as owner,
        has_database_privilege(r.oid, ${testPostgres().template}, 'create') as creates,
        has_database_privilege(r.oid, ${testPostgres().template}, 'temporary') as temporary,
        exists (select from pg_namespace n where has_schema_privilege(r.oid, n.oid, 'create')) as creates_in_schema
      from pg_authid r where rolname in (select jsonb_array_elements_text(${JSON.stringify(roles)}::text::jsonb))`;
    expect(rows).toHaveLength(roles.length);
    for (const row of rows) {
      expect(row).toEqual({
        rolname: row.rolname,
        privileged: false,
        password: false,
        member_of: 'rds_iam',
        owner: false,
        creates: false,
        temporary: false,
        creates_in_schema: false,
      });
    }
  });

  test('no function of ours runs as its owner but triggers and those that make and drop months of the audit', async () => {
    const callable = await as.migrator`
      select p.oid::regprocedure::text as name,
        (select string_agg(rolname, ', ' order by rolname) from pg_roles
          where has_function_privilege(rolname, p.oid, 'execute') and rolcanlogin
            and rolname not in ('migrator', 'rdsadmin')) as callers,
        has_function_privilege('public', p.oid, 'execute') as anybody
      from pg_proc p join pg_namespace n on n.oid = pronamespace
      where nspname !~ '^pg_' and nspname <> 'information_schema' and prosecdef and prorettype <> 'trigger'::regtype
      order by 1`;
    expect(callable.map((row) => ({ ...row }))).toEqual([
      { name: 'audit.add_month(timestamp with time zone)', callers: 'audit_writer, jobs', anybody: false },
      { name: 'audit.drop_months(timestamp with time zone,integer)', callers: 'jobs', anybody: false },
    ]);
    const loose = await as.migrator`
      select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = pronamespace
      where nspname !~ '^pg_' and nspname <> 'information_schema' and prosecdef
        and not coalesce('search_path=""' = any (proconfig), false)`;
    expect(loose).toEqual([]);
  });
});

describe('what a session finds', () => {
  test.each<[Role, string]>([
    ['customers_api', '5s'],
    ['catalog_api', '5s'],
    ['orders_api', '5s'],
    ['saga', '5s'],
    ['operations', '5s'],
    ['jobs', '1min'],
    ['monitor', '1min'],
    ['refunds_api', '5s'],
    ['reconciler', '1min'],
    ['audit_writer', '20s'],
    ['audit_reader', '5s'],
  ])('%s has an empty search path and a limit for everything', async (role, statement) => {
    const [row] = await as[role]`
      select current_setting('search_path') as path, current_setting('statement_timeout') as statement,
        current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`;
    expect(row).toEqual({ path: '""', statement, lock: '4s', idle: '10s' });
  });

  test('a role without rds_iam is not let in', async () => {
    await as.rdsadmin`create role stranger login`;
    const stranger = database.connect('stranger', { max: 1 });
    try {
      await expect(stranger`select 1`).rejects.toMatchObject({ code: '28000' });
    } finally {
      await stranger.end();
      await as.rdsadmin`drop role stranger`;
    }
  });
});

describe('attempts', () => {
  const others = (...excepted: Role[]) => roles.filter((role) => !excepted.includes(role));

  const refused: [situation: string, by: readonly Role[], statement: string][] = [
    ['reading customers', others('customers_api'), 'select id, email, password_hash from customers.customers'],
    ['counting customers', others('customers_api'), 'select count(*) from customers.customers'],
    ['deleting a customer', roles, 'delete from customers.customers'],
    ['changing an e-mail', others('customers_api'), "update customers.customers set email = 'x@example.com'"],
    ['reading what was mailed', others('mailer'), 'select body from customers.mails'],
    ['sending a mail to somebody else', roles, "update customers.mails set recipient = 'x@example.com'"],
    ['reading the catalogue', others('catalog_api'), 'select * from catalog.products'],
    ['deleting a product', roles, 'delete from catalog.products'],
    ['reading orders', others('orders_api', 'saga', 'operations'), 'select * from orders.orders'],
    ['changing a total', roles, 'update orders.orders set total = 0'],
    ['changing a discount', roles, "update orders.orders set discount_amount = 1, discount_reason = 'x'"],
    ['giving an order to somebody else', roles, "update orders.orders set customer_id = 'cus_'"],
    ['deleting an order', roles, 'delete from orders.orders'],
    ['changing a line', roles, 'update orders.lines set quantity = 1'],
    ['deleting a line', roles, 'delete from orders.lines'],
    ['rewriting what happened', roles, "update orders.timeline set type = 'x'"],
    ['forgetting what happened', roles, 'delete from orders.timeline'],
    ['rewriting what operators did', roles, "update orders.operator_actions set note = 'x'"],
    ['forgetting what operators did', roles, 'delete from orders.operator_actions'],
    ['rewriting why an order waits', roles, "update orders.manual_reviews set message = 'x'"],
    ['counting compensations', others('operations', 'saga'), 'update orders.orders set compensation_attempts = 1'],
    ['confirming by hand', others('saga'), 'update orders.orders set confirmed_at = now()'],
    ['changing the ledger', roles, 'update stock.movements set quantity = 1'],
    ['deleting from the ledger', roles, 'delete from stock.movements'],
    ['emptying the ledger', roles, 'truncate stock.movements'],
    ['setting a level', roles, 'update stock.levels set on_hand = 1000'],
    ['making a level', roles, "insert into stock.levels values ('prd_00000000000000000000000000000000', 5, 0)"],
    ['enlarging a reservation', roles, 'update stock.reservations set quantity = 1'],
    ['reading payments', others('saga', 'refunds_api', 'operations'), 'select * from payments.payments'],
    ['changing what was paid', roles, 'update payments.payments set amount = 0'],
    ['deleting a payment', roles, 'delete from payments.payments'],
    ['reading the outbox', roles, 'select * from outbox.events'],
    [
      'reading a stored answer',
      others('orders_api', 'refunds_api', 'operations'),
      'select body from orders.idempotency_keys',
    ],
    [
      'changing which transitions are allowed',
      roles,
      "insert into orders.status_transitions values ('failed', 'paid')",
    ],
    ['reading which migrations are applied', roles, 'select * from migrations.applied'],
    ['switching the triggers off', roles, "set session_replication_role = 'replica'"],
    ['becoming the migrator', roles, 'set role migrator'],
    ['becoming another role', others('saga'), 'set role saga'],
    ['creating a table', roles, 'create table orders.x ()'],
    ['creating a temporary table', roles, 'create temporary table x ()'],
    ['creating a schema', roles, 'create schema x'],
    ['creating a function', roles, "create function public.x() returns int language sql as 'select 1'"],
    ['creating a role', roles, 'create role x'],
    ['giving a right away', others('customers_api'), 'grant select on customers.customers to public'],
    ['altering a table', roles, 'alter table orders.orders disable trigger all'],
    ['dropping a table', roles, 'drop table stock.movements'],
    ['reading files of the server', roles, "select pg_read_file('/etc/passwd')"],
    ['reading password hashes of roles', roles, 'select rolpassword from pg_authid'],
  ];

  test.each(refused)('%s is refused', async (_situation, by, statement) => {
    expect(by.length).toBeGreaterThan(0);
    for (const role of by) {
      await expect(as[role].unsafe(statement), `${role}: ${statement}`).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('what a role is for works under that role', async () => {
    await as.customers_api`select email from customers.customers`;
    await as.catalog_api`select l.* from catalog.products p join stock.levels l on l.product_id = p.id for update of l`;
    await as.orders_api`select * from orders.order_details`;
    await as.saga`select w.* from stock.wanted w join orders.orders o on o.id = w.order_id for update of o`;
    await as.jobs`delete from customers.idempotency_keys where expires_at < now()`;
    await as.monitor`select * from monitor.stock_violations`;
  });
});
