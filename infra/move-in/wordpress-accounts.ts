import { isEmptyPhp } from './php.ts';
import { idsOf, lastId, pages, type ReadKind, readMeta, timeOfSeconds } from './wordpress-tables.ts';

const fields = ['first_name', 'last_name', 'company', 'address_1', 'address_2', 'city', 'state', 'postcode', 'country'];
const userNames = [
  'first_name',
  'last_name',
  ...['billing', 'shipping'].flatMap((kind) => fields.map((name) => `${kind}_${name}`)),
];
type User = { id: string; login: string; hash: string; email: string; registered: string };

/** Every account, whatever its role: a role gives no rights here. */
export const readCustomers: ReadKind = async function* (wordpress, onShare) {
  const { table } = wordpress;
  const last = await lastId(wordpress, `select max(ID) as id from ${table('users')}`);
  const users = pages<User>(
    wordpress,
    `select ID as id, user_login as login, user_pass as hash, user_email as email, user_registered as registered
     from ${table('users')} where ID > ? order by ID limit ?`,
  );
  for await (const some of users) {
    const meta = await readMeta(
      wordpress,
      { from: 'usermeta', id: 'user_id', key: 'umeta_id' },
      idsOf(some),
      userNames,
    );
    for (const { id, login, hash, email, registered } of some) {
      onShare(Number(id) / last);
      yield {
        ...{ customer_id: id, user_login: login, user_pass: hash, user_email: email, user_registered: registered },
        ...meta.get(id),
      };
    }
  }
};

const couponNames = {
  discount_type: 'discount_type',
  coupon_amount: 'amount',
  usage_limit: 'usage_limit',
  usage_limit_per_user: 'usage_limit_per_user',
  usage_count: 'usage_count',
  minimum_amount: 'minimum_amount',
  maximum_amount: 'maximum_amount',
  individual_use: 'individual_use',
  exclude_sale_items: 'exclude_sale_items',
  free_shipping: 'free_shipping',
  limit_usage_to_x_items: 'limit_usage_to_x_items',
};
/** Lists, some of which PHP has written. */
const couponLists = {
  product_ids: 'product_ids',
  exclude_product_ids: 'excluded_product_ids',
  product_categories: 'product_categories',
  exclude_product_categories: 'excluded_product_categories',
  customer_email: 'email_restrictions',
};

/** Coupons that customers can use. */
export const readCoupons: ReadKind = async function* (wordpress, onShare) {
  const { table, settings } = wordpress;
  const names = [...Object.keys(couponNames), ...Object.keys(couponLists), 'date_expires', 'expiry_date'];
  const coupons = pages<{ id: string; code: string }>(
    wordpress,
    `select ID as id, post_title as code from ${table('posts')}
     where post_type = 'shop_coupon' and post_status = 'publish' and ID > ? order by ID limit ?`,
  );
  for await (const some of coupons) {
    const meta = await readMeta(wordpress, { from: 'postmeta', id: 'post_id' }, idsOf(some), names);
    for (const { id, code } of some) {
      const own = meta.get(id) ?? {};
      const of = (all: Record<string, string>, value: (text: string) => string) =>
        Object.fromEntries(Object.entries(all).map(([name, as]) => [as, value(own[name] ?? '')]));
      yield {
        ...{ id, code, currency: settings.get('woocommerce_currency') ?? '' },
        ...of(couponNames, (text) => text),
        ...of(couponLists, (text) => (isEmptyPhp(text) ? '' : text)),
        date_expires: timeOfSeconds(own.date_expires) || (own.expiry_date ?? ''),
      };
    }
  }
  onShare(1);
};
