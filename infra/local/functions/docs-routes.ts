import { readFile } from 'node:fs/promises';
import type { OwnRoute } from './test-clock-routes.ts';

/**
 * What the page of the API fills its samples in with: ids and keys of the demo shop. Only programs on this machine get
 * them, whatever the gateway listens on.
 * @param demoFile where the demo shop is described; it may be missing
 */
export const docsRoutes = (demoFile: string): OwnRoute[] => [
  {
    method: 'GET',
    path: '/docs/laptop.json',
    async answer({ requestContext }) {
      const own = /^(::ffff:)?127\.|^::1$/.test(requestContext.http.sourceIp);
      const demo = own ? await readFile(demoFile, 'utf8').catch(() => undefined) : undefined;
      return {
        statusCode: demo === undefined ? 404 : 200,
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
        body: demo ?? '{}',
      };
    },
  },
];
