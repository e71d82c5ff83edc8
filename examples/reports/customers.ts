import { fields, form, type Values } from '../back-office/forms.ts';
import { badge, card, facts, link, quiet, time, type View } from '../back-office/parts.ts';
import { element } from '../web-shop/dom.ts';
import { ageCard, asOf } from './age.ts';
import { fileButtons } from './csv.ts';
import { ageOf } from './figures.ts';
import { filterForm } from './filters.ts';
import { tilesOf } from './grouped.ts';
import { reportView } from './refusals.ts';
import type {
  CustomerRow,
  CustomerSessions,
  CustomersQuery,
  CustomersRow,
  FeedAge,
  FeedEntry,
  Reports,
} from './reports.ts';
import { type Column, counts, figureTable, sums, times } from './table.ts';

type Again = () => Promise<void>;

const orders = [
  ['sales', 'who bought most'],
  ['orders', 'who orders most often'],
  ['lastOrder', 'who ordered last'],
] as const;

/** Who buys most, most often, or has stayed away. */
export async function customersView(api: Reports, query: Values, again: Again): Promise<View> {
  const { by = 'sales', segment = '', inactiveDays = '', currency = '', limit = '100' } = query;
  const request = {
    by,
    limit: Number(limit),
    ...(segment === '' ? {} : { segment }),
    ...(currency === '' ? {} : { currency }),
    ...(inactiveDays === '' ? {} : { inactiveDays: Number(inactiveDays) }),
  } as CustomersQuery;
  const currencies = Intl.supportedValuesOf('currency').map((code) => [code, code] as const);
  const filter = filterForm(
    'customers',
    [
      { name: 'by', label: 'First', value: by, options: orders },
      {
        name: 'segment',
        label: 'Segment',
        value: segment,
        options: [
          ['', 'all'],
          ['premium', 'premium'],
          ['standard', 'standard'],
        ],
      },
      {
        name: 'inactiveDays',
        label: 'Has stayed away for',
        value: inactiveDays,
        options: [['', 'any time'], ...['30', '90', '180', '365'].map((days) => [days, `${days} days`] as const)],
      },
      { name: 'currency', label: 'Currency', value: currency, options: [['', 'each by itself'], ...currencies] },
      { name: 'limit', label: 'Rows', value: limit, options: ['20', '100', '1000'].map((each) => [each, each]) },
    ],
    api,
    again,
  );
  const show = async () => {
    const answer = await api.customers(request);
    const columns: Column<CustomersRow>[] = [
      {
        title: 'Customer',
        value: ({ email }) => email,
        text: ({ customerId, name, email }) => link(`#/customers/${customerId}`, `${name}, ${email}`),
      },
      { title: 'Segment', value: (row) => row.segment, words: true },
      counts('Orders', (row) => row.orders),
      sums('Sales', ({ sales }) => sales),
      sums('Refunds', ({ refunds }) => refunds),
      sums('Average order', ({ average }) => average),
      times('Last order', ({ lastOrderAt }) => lastOrderAt),
      counts('Interactions', ({ interactions }) => interactions),
      counts('Open tickets', ({ openTickets }) => openTickets),
      times('Last contact', ({ lastContactAt }) => lastContactAt),
    ];
    const title = `First ${orders.find(([name]) => name === by)?.[1] ?? by}`;
    const list =
      answer.data.length === 0
        ? quiet('No customer is like that.')
        : figureTable(`Customers, ${title.toLowerCase()}`, columns, answer.data);
    return {
      beside: [...asOf(answer), ...fileButtons(api, { report: 'customers', query: request })],
      content: [card(title, list), feedsCard(answer.sources), ageCard(answer)],
    };
  };
  return reportView(
    'Customers',
    [card('What to show', filter), card('One customer', finder('', again))],
    show(),
    again,
    { report: 'customers', query: request },
  );
}

const finder = (id: string, again: Again): HTMLElement =>
  form(
    fields([{ name: 'id', label: 'Id of a customer, such as cus_…', value: id, type: 'search', required: true }]),
    'Show customer',
    async (values) => {
      const hash = `#/customers/${encodeURIComponent((values.id ?? '').trim())}`;
      if (location.hash === hash) await again();
      else location.hash = hash;
    },
    'filters',
  );

/** What one customer bought, and how they were in touch. */
export async function customerView(api: Reports, id: string, again: Again): Promise<View> {
  const before = [card('Which customer', finder(id, again), link('#/customers', 'All customers'))];
  const show = async () => {
    const answer = await api.customer(decodeURIComponent(id));
    const columns: Column<CustomerRow>[] = [
      { title: 'Currency', value: ({ currency }) => currency },
      counts('Orders', (row) => row.orders),
      counts('Units', ({ units }) => units),
      sums('Sales', ({ sales }) => sales),
      sums('Refunds', ({ refunds }) => refunds),
      sums('Average order', ({ average }) => average),
      times('First order', ({ firstOrderAt }) => firstOrderAt),
      times('Last order', ({ lastOrderAt }) => lastOrderAt),
    ];
    const who = facts([
      ['Id', answer.customerId],
      ['Name', answer.name],
      ['E-mail', answer.email],
      ['Segment', answer.segment],
      ['Signed up', time(answer.createdAt)],
      ['Suspended', answer.suspended ? 'yes' : undefined],
      ['Erased', answer.erased ? 'yes' : undefined],
    ]);
    const bought =
      answer.data.length === 0
        ? quiet('This customer has bought nothing yet.')
        : figureTable('What the customer bought', columns, answer.data);
    return {
      beside: asOf(answer),
      content: [
        card('About the customer', who, bought),
        sessionsCard(answer.sessions),
        contactCard(answer),
        feedsCard(answer.sources),
        ageCard(answer),
      ],
    };
  };
  return reportView('Customer', before, show(), again);
}

function sessionsCard(sessions: CustomerSessions | null): HTMLElement {
  const title = 'Sessions';
  if (sessions === null)
    return card(title, quiet('The place where sessions are kept does not answer. All else is shown.'));
  const { active, lastSignInAt, applications, asOf: at } = sessions;
  const columns: Column<CustomerSessions['applications'][number]>[] = [
    { title: 'Application', value: ({ applicationId }) => applicationId ?? 'not known' },
    counts('Active', (row) => row.active),
    times('Last sign-in', (row) => row.lastSignInAt),
  ];
  const tiles = tilesOf([
    ['Active', active.toLocaleString()],
    ['Last sign-in', lastSignInAt === null ? '–' : time(lastSignInAt)],
  ]);
  const list = active === 0 ? [] : [figureTable('Active sessions by application', columns, applications)];
  return card(
    title,
    tiles,
    ...list,
    element(
      'p',
      { className: 'quiet' },
      'From where sessions are kept, as of ',
      time(at),
      '. What has ended is not kept.',
    ),
  );
}

type Contact = { interactions: number; tickets: number; openTickets: number; entries: FeedEntry[] };

function contactCard({ interactions, tickets, openTickets, entries }: Contact): HTMLElement {
  const columns: Column<FeedEntry>[] = [
    times('When', ({ at }) => at),
    { title: 'What', value: ({ kind }) => kind, words: true },
    {
      title: 'Status',
      value: ({ status }) => status,
      text: ({ status }) => (status === null ? '–' : badge(status)),
      words: true,
    },
    { title: 'Topic', value: ({ topic }) => topic, words: true },
    { title: 'Channel', value: ({ channel }) => channel, words: true },
    { title: 'Feed', value: ({ source }) => source, words: true },
  ];
  const tiles = tilesOf([
    ['Interactions', interactions.toLocaleString()],
    ['Tickets', tickets.toLocaleString()],
    ['Open tickets', openTickets.toLocaleString()],
  ]);
  const shown = interactions + tickets > entries.length ? [quiet(`These are the newest ${entries.length}.`)] : [];
  const list =
    entries.length === 0
      ? quiet('No feed has said that this customer was in touch.')
      : figureTable('Interactions and tickets, newest first', columns, entries);
  return card('How the customer was in touch', tiles, list, ...shown);
}

/** The feeds of interactions and tickets, and how old what they said is. */
function feedsCard(feeds: readonly FeedAge[]): HTMLElement {
  const columns: Column<FeedAge>[] = [
    { title: 'Feed', value: ({ source }) => source },
    times('Last file', ({ receivedAt }) => receivedAt),
    { title: 'Age', value: ({ ageSeconds }) => ageSeconds, text: ({ ageSeconds }) => ageOf(ageSeconds) },
    counts('Rows', ({ rows }) => rows),
    counts('Not loaded', ({ failed }) => failed),
    times('Newest entry', ({ newestAt }) => newestAt),
  ];
  const list =
    feeds.length === 0
      ? quiet('No feed of interactions and tickets has come yet.')
      : figureTable('Feeds of interactions and tickets', columns, feeds);
  return card('Where contacts come from', list);
}
