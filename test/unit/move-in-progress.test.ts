import { expect, test } from 'vitest';
import { showProgress } from '../../infra/move-in/progress.ts';

const counts = (rows: number) => ({ rows, added: rows, changed: 0, unchanged: 0, rejected: 0 });

test('a bar is drawn on a terminal, a line for each batch elsewhere, both with the rows a second of their kind', () => {
  let now = 0;
  const [drawn, lines]: [string[], string[]] = [[], []];
  const show = (draw: boolean) =>
    showProgress({
      line: (text) => lines.push(text),
      draw: draw ? (text) => drawn.push(text) : undefined,
      now: () => now,
    });
  const [bar, plain] = [show(true), show(false)];
  for (const progress of [bar, plain]) {
    now = progress === bar ? 1000 : 11_000;
    progress.at('products', counts(500), 0.5);
    now += 4000;
    progress.at('orders', counts(2000), undefined);
  }
  expect(drawn).toEqual([
    `products  [${'#'.repeat(12)}${'.'.repeat(12)}] 500 rows, 0 rejected, 500 rows/s`,
    'orders    2000 rows, 0 rejected, 500 rows/s',
  ]);
  expect(lines[0]).toMatch(/^· products: 500 rows, 500 added, .*, 50 %, \d+ rows\/s$/);
  expect(bar.speeds()).toEqual({ products: 500, orders: 500 });
});
