import type { OwnRoute } from './test-clock-routes.ts';

type Pages = { pages: Record<string, { type: string; read(): Promise<string> }>; policy: string };

/** By their names, as handlers are loaded: an example is no part of the product. */
const files = { '/admin': 'back-office', '/reports': 'reports' } as const;

/** The pages for people among the examples. They are loaded, with their bundler, when the first of them is asked for. */
export const pageRoutes = (): OwnRoute[] =>
  Object.entries(files).flatMap(([page, example]) =>
    [page, `${page}/style.css`, `${page}/page.js`].map((path) => ({
      method: 'GET',
      path,
      async answer() {
        const file = new URL(`../../../examples/${example}/pages.ts`, import.meta.url).href;
        const { pages, policy } = (await import(file)) as Pages;
        const { type, read } = pages[path]!;
        return {
          statusCode: 200,
          headers: {
            'content-type': type,
            'content-security-policy': policy,
            'cache-control': 'no-store',
            'x-content-type-options': 'nosniff',
            'referrer-policy': 'no-referrer',
          },
          body: await read(),
        };
      },
    })),
  );
