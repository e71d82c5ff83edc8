import { randomUUID } from 'node:crypto';
import * as restate from '@restatedev/restate-sdk';
import { openSaga } from './saga.mjs';

/* Clients call Restate's ingress, and Restate calls these handlers over HTTP/2. */

const saga = openSaga();

const orders = restate.service({
  name: 'orders',
  handlers: {
    async place(context, { lines }) {
      const customer = context.request().headers.get('authorization');
      const sagaId = context.rand.uuidv4();
      const { id, total, soldOut } = await context.run('reserve', () => saga.reserve(sagaId, customer, lines));
      if (soldOut) return { status: 'failed' };
      const reference = await context.run('charge', async () => randomUUID());
      await context.run('confirm', () => saga.confirm(id, total, reference));
      await context.run('commit', () => saga.commit(id, lines));
      return { id, status: 'confirmed' };
    },
    async stock(context, { productId, quantity }) {
      await context.run('stock', async () => {
        await saga.setStock(productId, quantity);
        return null;
      });
      return {};
    },
  },
});

await restate.endpoint().bind(orders).listen(Number(process.env.PORT));
