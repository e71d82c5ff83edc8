import * as contract from '../../lib/contract/api/system.ts';
import { docsPage, docsPolicy } from '../../lib/contract/docs/page.static.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

export async function run(): Promise<Result> {
  return {
    status: 200,
    headers: { 'content-security-policy': docsPolicy },
    body: { contentType: 'text/html; charset=utf-8', text: docsPage },
  };
}

export const handler = httpHandler(routes['get-docs'], contract.getDocs, run, () => undefined);
