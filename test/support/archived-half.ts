import type { TestDatabase } from './postgres.ts';

/** Puts the older half of the orders of `fillShop` into the archive, as the job would in many hours. */
export async function archiveHalf(database: Pick<TestDatabase, 'connect'>): Promise<void> {
  const admin = database.connect('rdsadmin', { max: 1 });
  try {
    await admin.unsafe(`
      set session_replication_role = 'replica';
      set synchronous_commit = 'off';
      create temporary table old as
      select o.*, (row_number() over (order by o.id) - 1) / 100 as page
      from (select * from orders.orders order by id limit (select count(*) / 2 from orders.orders)) o
      where o.status in ('confirmed', 'failed', 'cancelled');
      create index on old (page);

      insert into archive.pages (id, month, orders, first_at, last_at, documents)
      overriding system value
      select page + 1, date_trunc('month', min(o.created_at))::date, count(*), min(o.created_at), max(o.updated_at),
        jsonb_object_agg(o.id, jsonb_build_object(
          'order', to_jsonb(o),
          'lines', (select jsonb_agg(to_jsonb(l) order by l.position) from orders.lines l where l.order_id = o.id),
          'payments', (select coalesce(jsonb_agg(to_jsonb(p)), '[]') from payments.payments p where p.order_id = o.id)
        ))
      from old o group by page;
      insert into archive.order_keys (
        id, number, customer_id, status, fulfilment_status, updated_at, currency, total, refunded, products, page_id, archived_at
      )
      select o.id, o.number, o.customer_id, o.status, o.fulfilment_status, o.updated_at, o.currency, o.total, 0,
        array(select right(l.product_id, 32)::uuid from orders.lines l where l.order_id = o.id), page + 1, now()
      from old o;
      delete from orders.lines where order_id in (select id from old);
      delete from payments.payments where order_id in (select id from old);
      delete from orders.orders where id in (select id from old);
      reset session_replication_role;
    `);
    await admin.unsafe('vacuum analyze');
  } finally {
    await admin.end();
  }
}
