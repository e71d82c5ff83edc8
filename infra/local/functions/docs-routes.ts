import { docsToken, readDemo } from '../demo.ts';
import type { OwnRoute } from './test-clock-routes.ts';

/**
 * What the page of the API fills its samples in with: ids and keys of the demo shop, for the page that `npm start` gave
 * the address of.
 * @param demoFile where the demo shop is described; it may be missing
 */
export const docsRoutes = (demoFile: string): OwnRoute[] => [
  {
    method: 'GET',
    path: '/docs/laptop.json',
    async answer({ headers }) {
      const demo = await readDemo(demoFile);
      const may = demo !== undefined && headers['demo-token'] === docsToken(demo);
      return {
        statusCode: may ? 200 : 404,
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
        body: JSON.stringify(may ? demo : {}),
      };
    },
  },
];
