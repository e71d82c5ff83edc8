import type { Values } from '../back-office/forms.ts';
import { card, quiet, type View } from '../back-office/parts.ts';
import { formatMoney } from '../money.ts';
import { ageCard, asOf } from './age.ts';
import { fileButtons } from './csv.ts';
import { askedOf, browserZone, filterForm, periodFields } from './filters.ts';
import { tilesOf } from './grouped.ts';
import { reportView } from './refusals.ts';
import type { ProductRow, ProductsQuery, Reports, StockRow } from './reports.ts';
import { type Column, counts, figureTable, sums } from './table.ts';

type Again = () => Promise<void>;

const named = <R extends { name: string; sku: string }>(): Column<R>[] => [
  { title: 'Product', value: ({ name }) => name },
  { title: 'SKU', value: ({ sku }) => sku, words: true },
];

/** The products that sold best or worst. */
export async function productsView(api: Reports, query: Values, again: Again): Promise<View> {
  const asked = askedOf(query, api);
  const { order = 'best', by = 'sales', limit = '20' } = query;
  const request = { ...asked, order, by, limit: Number(limit) } as ProductsQuery;
  const filter = filterForm(
    'products',
    [
      ...periodFields(query, asked),
      {
        name: 'order',
        label: 'First',
        value: order,
        options: [
          ['best', 'the most'],
          ['worst', 'the least'],
        ],
      },
      {
        name: 'by',
        label: 'By',
        value: by,
        options: [
          ['sales', 'sales'],
          ['units', 'units'],
          ['refunds', 'what was given back'],
        ],
      },
      { name: 'limit', label: 'Rows', value: limit, options: ['20', '100', '1000'].map((each) => [each, each]) },
    ],
    api,
    again,
  );
  const show = async () => {
    const answer = await api.products(request);
    const columns: Column<ProductRow>[] = [
      ...named<ProductRow>(),
      { title: 'On sale', value: ({ active }) => (active ? 'yes' : 'no'), words: true },
      counts('Orders', ({ orders }) => orders),
      counts('Units', ({ units }) => units),
      sums('Sales', ({ sales }) => sales),
      counts('Came back', ({ returnedUnits }) => returnedUnits),
      sums('Given back', ({ refunds }) => refunds),
    ];
    const most = (currency: string) =>
      Math.max(1, ...answer.data.filter((row) => row.currency === currency).map((row) => row[by as 'sales']));
    const share = (row: ProductRow) => row[by as 'sales'] / most(row.currency);
    const title = `Products by ${by}, the ${order === 'best' ? 'most' : 'least'} first`;
    return {
      beside: [...asOf(answer), ...fileButtons(api, { report: 'products', query: request })],
      content: [card(title, figureTable(title, columns, answer.data, share)), ageCard(answer)],
    };
  };
  return reportView('Products', [card('What to show', filter)], show(), again, { report: 'products', query: request });
}

/** How long the stock lasts. */
export async function stockView(api: Reports, query: Values, again: Again): Promise<View> {
  const { days = '30', limit = '100' } = query;
  const request = { days: Number(days), limit: Number(limit) };
  const options = (all: string[]) => all.map((each) => [each, each] as const);
  const filter = filterForm(
    'stock',
    [
      { name: 'days', label: 'At the pace of the last days', value: days, options: options(['7', '30', '90', '365']) },
      { name: 'limit', label: 'Rows', value: limit, options: options(['20', '100', '1000']) },
    ],
    api,
    again,
  );
  const show = async () => {
    const answer = await api.stock(request);
    const columns: Column<StockRow>[] = [
      ...named<StockRow>(),
      counts('Days left', ({ daysLeft }) => daysLeft),
      counts('Available', ({ available }) => available),
      counts('On hand', ({ onHand }) => onHand),
      counts('Reserved', ({ reserved }) => reserved),
      counts('Units sold', ({ unitsSold }) => unitsSold),
      counts('Turnover', ({ turnover }) => turnover),
    ];
    return {
      beside: [...asOf(answer), ...fileButtons(api, { report: 'stock', query: request })],
      content: [
        card(
          'What runs out first',
          figureTable('Stock of products, those that run out first first', columns, answer.data),
          quiet('A dash stands where nothing was sold in these days.'),
        ),
        ageCard(answer),
      ],
    };
  };
  return reportView('Stock', [card('What to show', filter)], show(), again, { report: 'stock', query: request });
}

/** How the shop is doing now. */
export async function nowView(api: Reports, again: Again): Promise<View> {
  const show = async () => {
    const answer = await api.live(browserZone());
    const { ordersLastHour, activeOrders, inManualReview, today, zone } = answer;
    const sold = today.map(({ currency, orders, sales }): [string, string] => [
      `Sales today, ${orders.toLocaleString()} ${orders === 1 ? 'order' : 'orders'}`,
      formatMoney({ amount: sales, currency }),
    ]);
    const tiles = tilesOf([
      ['Orders in the last hour', ordersLastHour.toLocaleString()],
      ['Orders under way', activeOrders.toLocaleString()],
      ['In manual review', inManualReview.toLocaleString()],
      ...sold,
    ]);
    return {
      beside: asOf(answer),
      content: [card('The shop', tiles, quiet(`Today is the day of ${zone}.`)), ageCard(answer)],
    };
  };
  return reportView('Now', [], show(), again);
}
