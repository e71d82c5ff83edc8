import { inject, test } from 'vitest';
import type { Product, ProductWithVariants } from '../../lib/contract/api/catalog.ts';
import { refused, succeed, unchanged } from './client.ts';
import { moveStock, newProduct, unique, updateProduct } from './shop.ts';

const { appKey } = inject('target');
const token = appKey;
const unknown = { productId: `prd_${'0'.repeat(32)}` };

test('a new product is on sale at once', async ({ expect }) => {
  const body = {
    sku: unique('E2E'),
    name: 'Teapot',
    description: 'Cast\niron',
    price: { amount: 6900, currency: 'EUR' },
  };
  const made = await succeed('create-product', 201, { token, body });
  expect(made.body).toMatchObject({ ...body, active: true, version: 1 });
  expect(made.headers.get('location')).toBe(`/products/${made.body.id}`);
  const read = await succeed('get-product', 200, { path: { productId: made.body.id } });
  expect(read.body).toEqual(made.body);
  expect(read.headers.get('etag')).toBe(made.headers.get('etag'));
  const { variants, ...listed } = made.body;
  expect(variants).toMatchObject([{ id: made.body.id, sku: body.sku }]);
  expect((await onFirstPages(made.body.id)).at(-1)).toEqual({ ...listed, availability: 'out_of_stock' });
});

test('a SKU is taken once, whatever the other product is called', async () => {
  const [one, other] = await Promise.all([newProduct({ stock: 0 }), newProduct({ stock: 0 })]);
  const body = { sku: one.sku, name: 'Another', price: { amount: 1, currency: 'EUR' } };
  await refused('create-product', 409, 'sku-taken', { token, body });
  await refused('update-product', 409, 'sku-taken', { token, path: { productId: other.id }, body: { sku: one.sku } });
});

test('a repeated creation under one key makes one product', async ({ expect }) => {
  const body = { sku: unique('E2E'), name: 'Once', price: { amount: 1, currency: 'EUR' } };
  const key = unique('key');
  const first = await succeed('create-product', 201, { token, body, key });
  const again = await succeed('create-product', 201, { token, body, key });
  expect(again.text).toBe(first.text);
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  await refused('create-product', 422, 'idempotency-key-reused', { token, body: { ...body, name: 'Twice' }, key });
});

test('who reads after a new price was answered sees it, of the product and in the list', async ({ expect }) => {
  const { id } = await newProduct({ stock: 0 });
  for (let amount = 2; amount <= 8; amount++) {
    await updateProduct(id, { price: { amount, currency: 'EUR' } });
    const seen = await Promise.all(
      Array.from({ length: 6 }, async () => (await succeed('get-product', 200, { path: { productId: id } })).body),
    );
    expect(seen.map(({ price }) => price.amount)).toEqual(Array(6).fill(amount));
    expect((await onFirstPages(id)).at(-1)?.price.amount).toBe(amount);
  }
});

test('a copy that is still good is not sent again, and one that is not is', async ({ expect }) => {
  const { id } = await newProduct({ stock: 0 });
  const path = { productId: id };
  const etag = (await succeed('get-product', 200, { path })).headers.get('etag')!;
  const kept = await unchanged('get-product', etag, { path });
  expect(kept.headers.get('etag')).toBe(etag);
  await unchanged('get-product', `"other", W/${etag}`, { path });
  await updateProduct(id, { price: { amount: 1100, currency: 'EUR' } });
  const fresh = await succeed('get-product', 200, { path, headers: { 'if-none-match': etag } });
  expect(fresh.body.price.amount).toBe(1100);
  expect(fresh.headers.get('etag')).not.toBe(etag);
});

test('a page of the list has a tag of its own', async ({ expect }) => {
  // A page of this test's own product: nobody else changes it, and what is newer comes before it.
  const { id } = await newProduct({ stock: 0 });
  await newProduct({ stock: 0 });
  let query: { limit: number; cursor?: string } = { limit: 1 };
  let page = await succeed('list-products', 200, { query });
  while (page.body.data[0]?.id !== id) {
    expect(page.body.nextCursor, 'the product is on some page').not.toBeNull();
    query = { limit: 1, cursor: page.body.nextCursor! };
    page = await succeed('list-products', 200, { query });
  }
  expect(query.cursor).toBeDefined();
  await unchanged('list-products', page.headers.get('etag')!, { query });
});

test('of two changes to one version the second is refused', async ({ expect }) => {
  const { id } = await newProduct({ stock: 0 });
  const path = { productId: id };
  const etag = (await succeed('get-product', 200, { path })).headers.get('etag')!;
  const rename = (name: string) => ({ token, path, body: { name }, headers: { 'if-match': etag } });
  const changed = await succeed('update-product', 200, rename('First'));
  expect(changed.body).toMatchObject({ name: 'First', version: 2 });
  await refused('update-product', 412, 'version-stale', rename('Second'));
  await refused('update-product', 412, 'version-stale', { ...rename('Third'), headers: { 'if-match': 'W/"2"' } });
  const now = await succeed('get-product', 200, { path });
  expect(now.body).toEqual(changed.body);
  expect(now.headers.get('etag')).toBe(changed.headers.get('etag'));
});

test('a product taken off sale is gone, and comes back', async ({ expect }) => {
  const { id } = await newProduct({ stock: 0 });
  await updateProduct(id, { active: false });
  await refused('get-product', 404, 'not-found', { path: { productId: id } });
  expect((await onFirstPages(id, 1)).map((product) => product.id)).not.toContain(id);
  await updateProduct(id, { active: true });
  await succeed('get-product', 200, { path: { productId: id } });
});

test('pages of one lead through every product, newest first, each once', async ({ expect }) => {
  const made: ProductWithVariants[] = [];
  for (let i = 0; i < 4; i++) made.push(await newProduct({ stock: 0 }));
  const seen = await onFirstPages(made[0]!.id, 1);
  const ids = seen.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort().reverse());
  const own = new Set(made.map(({ id }) => id));
  expect(seen.filter(({ id }) => own.has(id))).toEqual(
    made.toReversed().map(({ variants: _, ...listed }) => ({ ...listed, availability: 'out_of_stock' })),
  );
});

test('a cursor that was altered, made up or borrowed from another list is refused', async ({ expect }) => {
  const cursor = await someCursor();
  for (const altered of [`${cursor}A`, cursor.slice(0, -1), flip(cursor), 'bm90IGEgY3Vyc29y', '%00', '{}']) {
    const { body } = await refused('list-products', 400, 'invalid-cursor', { query: { cursor: altered } });
    expect(body.errors?.[0]?.pointer).toBe('?cursor');
  }
  const { id } = await newProduct({ stock: 0 });
  const borrowed = { token, path: { productId: id }, query: { cursor } };
  await refused('list-stock-movements', 400, 'invalid-cursor', borrowed);
});

test('a back office sorts a product in, and customers find it', async ({ expect }) => {
  const word = unique('word').replace(/[^a-z0-9]/gi, '');
  const above = await succeed('create-category', 201, { token, body: { slug: word.toLowerCase(), name: word } });
  const below = await succeed('create-category', 201, {
    token,
    body: { slug: 'below', name: 'Below', parentId: above.body.id },
  });
  const { body: product } = await succeed('create-product', 201, {
    token,
    body: {
      sku: unique('E2E'),
      name: `Teapot ${word}`,
      price: { amount: 6900, currency: 'EUR' },
      costPrice: { amount: 2000, currency: 'EUR' },
      brand: `Brand ${word}`,
      categoryId: below.body.id,
      attributes: { colour: word, litres: 1.5 },
    },
  });
  expect(product.costPrice).toEqual({ amount: 2000, currency: 'EUR' });
  const { costPrice: _, variants: __, ...shown } = product;
  await moveStock(product.id, 3);
  const found = { ...shown, availability: 'low' };
  const queries = [
    { q: `${word} teapots` },
    { q: word.slice(0, -1) },
    { category: above.body.id },
    { brand: `brand ${word}` },
    { 'attribute[colour]': word, 'attribute[litres]': '1.5' },
    { q: word, priceFrom: 6900, priceTo: 6900, currency: 'EUR', inStock: 'true', sort: 'price' },
  ];
  for (const query of queries) {
    const { body } = await succeed('list-products', 200, { query: query as Record<string, string> });
    expect(body.data, JSON.stringify(query)).toEqual([found]);
  }
  const tree = (await succeed('list-categories', 200)).body.data.filter(({ id }) =>
    [above.body.id, below.body.id].includes(id),
  );
  expect(tree).toEqual([above.body, below.body]);
  await refused('list-products', 422, 'category-unknown', { query: { category: `cat_${'0'.repeat(32)}` } });
  await refused('list-products', 422, 'search-without-words', { query: { q: 'of the' } });
});

test('an unknown product is not found, read or changed', async () => {
  await refused('get-product', 404, 'not-found', { path: unknown });
  await refused('get-product', 404, 'not-found', { path: { productId: '1; drop table' } });
  await refused('update-product', 404, 'not-found', { token, path: unknown, body: { name: 'No' } });
});

/** The list from its top down to a product, or two hundred products when it is not among them. */
async function onFirstPages(until: string, limit = 50): Promise<Product[]> {
  const seen: Product[] = [];
  let cursor: string | undefined;
  while (seen.length < 200) {
    const query: Record<string, string | number> = { limit, ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await succeed('list-products', 200, { query });
    for (const product of body.data) {
      seen.push(product);
      if (product.id === until) return seen;
    }
    if (body.nextCursor === null) return seen;
    cursor = body.nextCursor;
  }
  return seen;
}

/** A cursor of the products' list, somewhere near its top. */
async function someCursor(): Promise<string> {
  await Promise.all([newProduct({ stock: 0 }), newProduct({ stock: 0 })]);
  return (await succeed('list-products', 200, { query: { limit: 1 } })).body.nextCursor!;
}

const flip = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);

test('a product with options is sold as its variants', async ({ expect }) => {
  const price = { amount: 2000, currency: 'EUR' };
  const options = [{ name: 'Size', values: ['S', 'M'] }];
  const sku = unique('SHIRT');
  const { body: shirt } = await succeed('create-product', 201, { token, body: { sku, name: 'Shirt', price, options } });
  const path = { productId: shirt.id };
  expect(shirt.variants).toEqual([]);
  const add = (value: string, amount: number) =>
    succeed('create-variant', 201, {
      token,
      path,
      body: { sku: `${sku}-${value}`, optionValues: { Size: value }, price: { ...price, amount } },
      key: unique('variant'),
    });
  const { body: small } = await add('S', 1500);
  const { body: medium } = await add('M', 2500);
  await moveStock(medium.id, 1000);

  const read = await succeed('get-product', 200, { path });
  expect(read.body.variants.map(({ id }) => id)).toEqual([small.id, medium.id]);
  expect(read.body.priceRange).toEqual({ from: { ...price, amount: 1500 }, to: { ...price, amount: 2500 } });
  const { body: found } = await succeed('list-products', 200, { query: { q: `${sku}-S` } });
  expect(found.data).toMatchObject([{ id: shirt.id, availability: 'in_stock', priceRange: read.body.priceRange }]);
  const { body: bySku } = await succeed('list-products', 200, { query: { sku: `${sku}-S` } });
  expect(bySku.data.map(({ id }) => id)).toEqual([small.id]);
  const { body: variants } = await succeed('list-variants', 200, { path });
  expect(variants.data.map(({ availability }) => availability)).toEqual(['out_of_stock', 'in_stock']);

  const quote = (productId: string) => ({ body: { lines: [{ productId, quantity: 2 }] } });
  expect((await succeed('create-quote', 200, quote(medium.id))).body.subtotal).toEqual({ ...price, amount: 5000 });
  await refused('create-quote', 422, 'product-has-options', quote(shirt.id));
  await updateProduct(small.id, { active: false });
  const { body: left } = await succeed('get-product', 200, { path });
  expect(left).toMatchObject({ variants: [{ id: medium.id }], priceRange: { from: { amount: 2500 } } });
  await refused('get-product', 404, 'not-found', { path: { productId: small.id } });
  await updateProduct(shirt.id, { active: false });
  await refused('get-product', 404, 'not-found', { path: { productId: medium.id } });
  await refused('create-quote', 422, 'product-not-available', quote(medium.id));
});
