import { type CouponRecord, toCoupon } from './coupon.ts';
import { type CustomerRecord, toCustomer } from './customer.ts';
import { RowRejected } from './errors.ts';
import { laidOut } from './layouts.ts';
import type { Mapping } from './mapping.ts';
import { type OrderRecord, toOrder } from './order.ts';
import { type ProductRecord, toProduct } from './product.ts';
import type { Kind, Source } from './read-rows.ts';

export type Records = {
  products: ProductRecord;
  customers: CustomerRecord;
  coupons: CouponRecord;
  orders: OrderRecord;
};

/** A row as it fits here, or why it does not. `old` names it in the previous shop, as far as that can be told. */
export type Read<R> = { row: number; raw: Record<string, unknown> } & (
  | { record: R; reason?: undefined }
  | { record?: undefined; reason: string }
);

const convert: { [K in Kind]: (row: Record<string, unknown>, mapping: Mapping) => Records[K] } = {
  products: toProduct,
  customers: toCustomer,
  coupons: toCoupon,
  orders: toOrder,
};
const keyOf: { [K in Kind]: (record: Records[K]) => string } = {
  products: ({ fields }) => fields.sku,
  customers: ({ email }) => email,
  coupons: ({ code }) => code,
  orders: ({ number }) => number,
};

/** The rows of a file, each as it fits here or with the reason why it does not. Of rows with the same key the first counts. */
export async function* readRecords<K extends Kind>(
  source: Source & { kind: K },
  mapping: Mapping,
): AsyncGenerator<Read<Records[K]>> {
  const seen = new Map<string, number>();
  for await (const { row, value } of laidOut(source.kind, source.rows(), mapping)) {
    if (value === undefined) {
      yield { row, raw: {}, reason: 'is not a JSON object in one line' };
      continue;
    }
    try {
      const record = convert[source.kind](value, mapping);
      const key = keyOf[source.kind](record);
      const before = seen.get(key);
      if (before !== undefined) throw new RowRejected(`repeats ${key}, which row ${before} has`);
      seen.set(key, row);
      yield { row, raw: value, record };
    } catch (error) {
      if (!(error instanceof RowRejected)) throw error;
      yield { row, raw: value, reason: error.message };
    }
  }
}
