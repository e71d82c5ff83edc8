import document from '../../lib/contract/api/assets/openapi.json' with { type: 'json' };
import * as contract from '../../lib/contract/api/system.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

const body = { contentType: 'application/json', text: JSON.stringify(document) };

export async function run(): Promise<Result> {
  return { status: 200, body };
}

export const handler = httpHandler(routes['get-openapi'], contract.getOpenapi, run, () => undefined);
