import { Agent } from 'node:http';
import postgres, { type Sql } from 'postgres';
import { categoryIds, fillCatalogue } from '../support/large-catalogue.ts';
import { getJson } from './compose.ts';
import { median } from './numbers.ts';
import { openShop, type Shop } from './shop.ts';

/** What a list costs that is searched, narrowed or sorted. */
export type SearchFigures = {
  products: number;
  lists: {
    list: string;
    p50Ms: number /** To the plain list: the middle of the turns' own ratios. */;
    ratio: number;
  }[];
  /** The middle of these ratios, without the plain list's own. */
  ratio: number;
};

export type SearchOptions = { products: number; turns: number; say: (line: string) => void };

/** What customers ask for, and what is hardest: words that many products have, and the beginnings of words. */
const queries = {
  'a word of 2 %': 'q=nounbc',
  'two words': 'q=adjectivebc+nounbi',
  'a rare word': 'q=wordbcde',
  'a beginning': 'q=adjectivebc+nounb',
  'a word of 33 %': 'q=common',
  'a word and a category': `q=nounbc&category=${categoryIds.main(1)}`,
  'a word by price': 'q=nounbc&sort=price',
  'a large category': `category=${categoryIds.main(1)}`,
  'a small category': `category=${categoryIds.leaf(1)}`,
  'a brand': 'brand=brand+bba',
  'an attribute': 'attribute[colour]=colourb',
  'two attributes': 'attribute[colour]=colourb&attribute[size]=21',
  'a range of prices': 'priceFrom=5000&priceTo=5100',
  'by price, in stock': 'sort=price&inStock=true',
};

/** Reads lists past the cache by HTTP, turn by turn, as a back office does. */
export async function measureSearch({ products, turns, say }: SearchOptions): Promise<SearchFigures> {
  const shop = await openShop({ products: 0, customers: 0 });
  const agent = new Agent({ keepAlive: true });
  try {
    say(`filling a catalogue with ${products} products`);
    await fill(shop, products);
    const token = await shop.newKey('catalog:read', 'catalog:write');
    const read = (query: string) => getJson(`${shop.stack.baseUrl}/products?active=true&${query}`, token, agent);
    const all = Object.entries({ plain: '', ...queries });
    const times: number[][] = [];
    for (let turn = -10; turn < turns; turn++) {
      const time: number[] = [];
      for (const [list, query] of all) {
        const begun = performance.now();
        const { data } = (await read(query)) as { data: unknown[] };
        time.push(performance.now() - begun);
        if (data.length === 0) throw new Error(`${list} found nothing`);
      }
      if (turn >= 0) times.push(time);
    }
    const lists = all.map(([list], n) => ({
      list,
      p50Ms: median(times.map((time) => time[n]!)),
      ratio: median(times.map((time) => time[n]! / time[0]!)),
    }));
    return { products, lists, ratio: median(lists.slice(1).map(({ ratio }) => ratio)) };
  } finally {
    agent.destroy();
    await shop.close();
  }
}

const fill = ({ stack }: Shop, products: number): Promise<void> =>
  fillCatalogue(
    {
      connect: ((user: string, options?: object) =>
        postgres({ path: stack.inside.socketPath, user, database: 'counterfoil', onnotice: () => {}, ...options })) as (
        user: string,
        options?: object,
      ) => Sql,
    },
    products,
  );
