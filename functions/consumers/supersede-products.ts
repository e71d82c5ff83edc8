import type { EventOf } from '../../lib/contract/events/define-event.ts';
import type { CachePointers } from '../../lib/kernel/cache-changes.ts';
import { cachePointers } from '../../lib/platform/cache.ts';
import { anyOf, consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { supersedeProduct } from '../../lib/shop/catalog/cached-products.ts';
import { consumers, productNews } from '../consumers.ts';

type ProductEvent = EventOf<(typeof productNews)[number]>;

/** Takes what is cached of a product out of use, unless the handler that changed it has done so. */
export async function run({ data, sequence }: ProductEvent, { pointers }: { pointers: CachePointers }) {
  const superseded = await supersedeProduct(pointers, { productId: data.productId, version: sequence });
  return { outcome: superseded ? 'superseded' : 'known' };
}

export const handler = consumerHandler(consumers['supersede-products'], anyOf(productNews), run, () => ({
  pointers: cachePointers(),
}));
