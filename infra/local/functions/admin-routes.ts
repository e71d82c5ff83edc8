import type { OwnRoute } from './test-clock-routes.ts';

type Pages = { pages: Record<string, { type: string; read(): Promise<string> }>; policy: string };

/** By its name, as handlers are loaded: an example is no part of the product. */
const file = new URL('../../../examples/back-office/pages.ts', import.meta.url).href;

/** The pages of the example back office. They are loaded, with their bundler, when the first of them is asked for. */
export const adminRoutes = (): OwnRoute[] =>
  ['/admin', '/admin/style.css', '/admin/page.js'].map((path) => ({
    method: 'GET',
    path,
    async answer() {
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
  }));
