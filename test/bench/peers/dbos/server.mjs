import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { openSaga } from './saga.mjs';

const { PGHOST, PGUSER, PGDATABASE, PORT } = process.env;
const saga = openSaga();

DBOS.setConfig({
  name: 'peer',
  systemDatabaseUrl: `postgresql://${PGUSER}@localhost/${PGDATABASE}?host=${encodeURIComponent(PGHOST)}`,
  logLevel: 'error',
  systemDatabasePoolSize: 10,
});

const place = DBOS.registerWorkflow(
  async (customer, lines) => {
    const { id, total, soldOut } = await DBOS.runStep(() => saga.reserve(DBOS.workflowID, customer, lines), {
      name: 'reserve',
    });
    if (soldOut) return { status: 'failed' };
    const reference = await DBOS.runStep(async () => randomUUID(), { name: 'charge' });
    await DBOS.runStep(() => saga.confirm(id, total, reference), { name: 'confirm' });
    await DBOS.runStep(() => saga.commit(id, lines), { name: 'commit' });
    return { id, status: 'confirmed' };
  },
  { name: 'place' },
);

await DBOS.launch();

createServer(async (request, response) => {
  const answer = (status, body) => {
    const text = JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  };
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    if (request.url === '/stock') {
      await saga.setStock(body.productId, body.quantity);
      answer(200, {});
    } else {
      const workflowID = request.headers['idempotency-key'];
      const started = await DBOS.startWorkflow(place, { workflowID })(request.headers.authorization, body.lines);
      const order = await started.getResult();
      answer(order.status === 'confirmed' ? 201 : 409, order);
    }
  } catch (error) {
    answer(500, { error: String(error) });
  }
}).listen(Number(PORT), '127.0.0.1');
