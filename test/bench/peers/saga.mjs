import { Pool } from 'pg';

/*
 * The steps of the saga and their SQL, shared by the peers. Each step is one transaction, and may run more than once.
 * Statements have names, so each connection prepares them once.
 */

const price = 1000;

const statements = {
  addOrder: `insert into orders (saga_id, customer, total, status) values ($1, $2, $3, 'pending')
    on conflict (saga_id) do nothing returning id`,
  findOrder: 'select id, total from orders where saga_id = $1',
  reserve: 'update stock set reserved = reserved + $2 where product_id = $1 and on_hand - reserved >= $2',
  addLines:
    'insert into lines (order_id, product_id, quantity, price) select $1, p, q, $4 from unnest($2::text[], $3::int[]) l (p, q)',
  addPayment: `insert into payments (order_id, amount, reference, status) values ($1, $2, $3, 'authorized')
    on conflict (order_id) do nothing`,
  confirm: `update orders set status = 'confirmed' where id = $1`,
  capture: `update payments set status = 'captured' where order_id = $1 and status = 'authorized'`,
  commit: 'update stock set on_hand = on_hand - $2, reserved = reserved - $2 where product_id = $1',
  setStock: `insert into stock (product_id, on_hand) values ($1, $2)
    on conflict (product_id) do update set on_hand = $2, reserved = 0`,
};

export function openSaga() {
  const pool = new Pool({
    host: process.env.PGHOST,
    user: process.env.PGUSER,
    database: process.env.PGDATABASE,
    max: 10,
  });
  const run = (client, name, values) => client.query({ name, text: statements[name], values });
  // In one order for all, so that no two sagas wait for each other.
  const sorted = (lines) => lines.toSorted((a, b) => (a.productId < b.productId ? -1 : 1));

  async function transaction(work) {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query(result.soldOut ? 'rollback' : 'commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  }

  return {
    setStock: (productId, quantity) => run(pool, 'setStock', [productId, quantity]),
    reserve: (sagaId, customer, lines) =>
      transaction(async (client) => {
        const total = lines.reduce((sum, line) => sum + line.quantity * price, 0);
        const added = await run(client, 'addOrder', [sagaId, customer, total]);
        if (added.rowCount === 0) {
          const [{ id, total: known }] = (await run(client, 'findOrder', [sagaId])).rows;
          return { id: Number(id), total: Number(known) };
        }
        for (const { productId, quantity } of sorted(lines)) {
          const { rowCount } = await run(client, 'reserve', [productId, quantity]);
          if (rowCount !== 1) return { soldOut: true };
        }
        const id = Number(added.rows[0].id);
        await run(client, 'addLines', [id, lines.map((l) => l.productId), lines.map((l) => l.quantity), price]);
        return { id, total };
      }),
    confirm: (id, total, reference) =>
      transaction(async (client) => {
        await run(client, 'addPayment', [id, total, reference]);
        await run(client, 'confirm', [id]);
        return {};
      }),
    commit: (id, lines) =>
      transaction(async (client) => {
        const { rowCount } = await run(client, 'capture', [id]);
        if (rowCount > 0)
          for (const line of sorted(lines)) await run(client, 'commit', [line.productId, line.quantity]);
        return {};
      }),
  };
}
