import { parseArgs } from 'node:util';
import { type Api, ApiProblem, connect, listProducts, type Product, type StockLevel, unwrap } from '../client.ts';
import { formatMoney } from '../money.ts';
import { readStage, stageOptions } from '../stage.ts';

const usage = `npm run example:back-office -- [--sku SKU] [--name NAME] [--price CENTS] [--units N] [--delivery ID]

  --sku SKU      of the product to create (TEA-SENCHA)
  --name NAME    its name (Sencha, 100 g)
  --price CENTS  its price in euro cents (740)
  --units N      to put in stock (40)
  --delivery ID  under which they come: the same delivery is put in stock once (first)

  --demo FILE    the shop to work in, as npm start writes it (.local/demo.json)
  --url ADDRESS --app-key KEY   another shop

Run again with the same options, it creates nothing twice.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...stageOptions,
      sku: { type: 'string', default: 'TEA-SENCHA' },
      name: { type: 'string', default: 'Sencha, 100 g' },
      price: { type: 'string', default: '740' },
      units: { type: 'string', default: '40' },
      delivery: { type: 'string', default: 'first' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(usage);
  const { baseUrl, appKey } = await readStage(values);
  if (appKey === undefined) throw new Error('Give the key of an application by --app-key.');
  const api = connect(baseUrl, { Authorization: `Bearer ${appKey}` });

  const { sku, name, delivery } = values;
  const product = await createProduct(api, { sku, name, price: { amount: Number(values.price), currency: 'EUR' } });
  console.log(`Product ${product.sku} has the id ${product.id}.`);
  const { available } = await addStock(api, product, { units: Number(values.units), delivery });
  console.log(`After the delivery “${delivery}”, ${available} are available.\n`);

  const rows = [['SKU', 'NAME', 'PRICE', 'ON HAND', 'RESERVED', 'AVAILABLE']];
  for await (const each of listProducts(api)) rows.push(rowOf(each, await readStock(api, each)));
  console.log(layOut(rows));

  const { data: orders, readModel } = await unwrap(api.GET('/order-details', { params: { query: { limit: 10 } } }));
  const latest = orders.map((each) => [
    each.customer?.name ?? each.customerId ?? 'a guest',
    each.status,
    formatMoney(each.total, 'en'),
  ]);
  console.log(`\nThe latest orders, as of ${readModel.asOf}:`);
  console.log(latest.length === 0 ? 'none' : layOut([['CUSTOMER', 'STATUS', 'TOTAL'], ...latest]));
}

/** The same key for the same product: a second run gets the first answer, and makes no second product. */
const createProduct = (api: Api, body: Pick<Product, 'sku' | 'name' | 'price'>): Promise<Product> =>
  unwrap(
    api.POST('/products', {
      params: { header: { 'Idempotency-Key': `example-product-${body.sku}` } },
      body,
    }),
  );

async function addStock(
  api: Api,
  { id, sku }: Product,
  { units, delivery }: { units: number; delivery: string },
): Promise<StockLevel> {
  const { level } = await unwrap(
    api.POST('/products/{productId}/stock-movements', {
      params: { path: { productId: id }, header: { 'Idempotency-Key': `example-delivery-${sku}-${delivery}` } },
      body: { quantity: units, reason: `delivery ${delivery}` },
    }),
  );
  return level;
}

async function readStock(api: Api, { id }: Product): Promise<StockLevel> {
  const { level } = await unwrap(
    api.GET('/products/{productId}/stock-movements', { params: { path: { productId: id }, query: { limit: 1 } } }),
  );
  return level;
}

const rowOf = ({ sku, name, price }: Product, { onHand, reserved, available }: StockLevel): string[] => [
  sku,
  name,
  formatMoney(price, 'en'),
  String(onHand),
  String(reserved),
  String(available),
];

/** Rows as a table: words to the left, figures to the right. */
function layOut(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number) =>
    column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

main().catch((error: unknown) => {
  if (error instanceof ApiProblem) console.error(`${error.code}: ${error.message} (request ${error.requestId})`);
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
