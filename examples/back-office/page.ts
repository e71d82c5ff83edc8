import { customersView, customerView } from './customers.ts';
import { startPage } from './frame.ts';
import { type Office, openOffice } from './office.ts';
import { orderView } from './order.ts';
import { ordersView } from './orders.ts';
import { productsView, productView } from './products.ts';
import { reviewsView, reviewView } from './review.ts';

startPage<Office>({
  name: 'Back office',
  open: openOffice,
  places: {
    orders: { list: (o, _, query) => ordersView(o, query), one: (o, id, _, go) => orderView(o, id, go) },
    products: { list: (o, _, query) => productsView(o, query), one: (o, id, _, go) => productView(o, id, go) },
    customers: { list: (o, _, query) => customersView(o, query), one: (o, id) => customerView(o, id) },
    review: { list: (o, _, query) => reviewsView(o, query), one: (o, id, _, go) => reviewView(o, id, go) },
  },
});
