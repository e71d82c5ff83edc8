import { startPage } from '../back-office/frame.ts';
import { cohortsView } from './cohorts.ts';
import { customersView, customerView } from './customers.ts';
import { exportsView, exportView } from './exports.ts';
import { type Grouped, groupedView } from './grouped.ts';
import { nowView, productsView, stockView } from './lists.ts';
import { type MarginRow, openReports, type Reports, type SalesRow } from './reports.ts';
import { subscriptionsView, subscriptionView } from './subscriptions.ts';

const sales: Grouped<SalesRow> = {
  place: 'sales',
  title: 'Sales',
  figures: [
    { name: 'sales', title: 'Sales', kind: 'money', addsUp: 'always' },
    { name: 'refunds', title: 'Refunds', kind: 'money', addsUp: 'always' },
    { name: 'net', title: 'Net', kind: 'money', addsUp: 'always', needs: 'refunds' },
    { name: 'orders', title: 'Orders', kind: 'count', addsUp: 'by-order' },
    { name: 'units', title: 'Units', kind: 'count', addsUp: 'always' },
    { name: 'gross', title: 'Goods', kind: 'money', addsUp: 'always' },
    { name: 'discounts', title: 'Discounts', kind: 'money', addsUp: 'always' },
    { name: 'shipping', title: 'Shipping', kind: 'money', addsUp: 'always' },
    { name: 'tax', title: 'Tax', kind: 'money', addsUp: 'always' },
  ],
  main: ['sales', 'refunds', 'net', 'orders', 'units'],
  ask: (api, query) => api.sales(query),
};

const margin: Grouped<MarginRow> = {
  place: 'margin',
  title: 'Margin',
  figures: [
    { name: 'margin', title: 'Margin', kind: 'money', addsUp: 'always' },
    { name: 'marginPercent', title: 'Margin in %', kind: 'percent', addsUp: 'never', share: ['margin', 'revenue'] },
    { name: 'revenue', title: 'Revenue', kind: 'money', addsUp: 'always' },
    { name: 'cost', title: 'Cost', kind: 'money', addsUp: 'always' },
    { name: 'units', title: 'Units', kind: 'count', addsUp: 'always' },
    { name: 'unitsWithoutCost', title: 'Units without a cost', kind: 'count', addsUp: 'always' },
    { name: 'revenueWithoutCost', title: 'Revenue without a cost', kind: 'money', addsUp: 'always' },
  ],
  main: ['margin', 'marginPercent', 'revenue', 'cost', 'revenueWithoutCost'],
  ask: (api, query) => api.margin(query),
};

startPage<Reports>({
  name: 'Reports',
  open: openReports,
  places: {
    sales: { list: (api, _, query, go) => groupedView(sales, api, query, go) },
    margin: { list: (api, _, query, go) => groupedView(margin, api, query, go) },
    products: { list: (api, _, query, go) => productsView(api, query, go) },
    stock: { list: (api, _, query, go) => stockView(api, query, go) },
    customers: {
      list: (api, _, query, go) => customersView(api, query, go),
      one: (api, id, _, go) => customerView(api, id, go),
    },
    cohorts: { list: (api, _, query, go) => cohortsView(api, query, go) },
    exports: {
      list: (api, _, query, go) => exportsView(api, query, go),
      one: (api, id, _, go) => exportView(api, id, go),
    },
    sent: {
      list: (api, _, __, go) => subscriptionsView(api, go),
      one: (api, id, _, go) => subscriptionView(api, id, go),
    },
    now: { list: (api, _, __, go) => nowView(api, go) },
  },
});
