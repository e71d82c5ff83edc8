import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const handlers = new Map<string, Promise<Handler>>();

/** Runs one handler in this process as Lambda would run its function: by its name, such as `http/place-order`. */
export async function invoke(handler: string, event: unknown, timeoutSeconds: number): Promise<unknown> {
  let loaded = handlers.get(handler);
  if (loaded === undefined) {
    loaded = import(new URL(`../../functions/${handler}.ts`, import.meta.url).href).then((module) => module.handler);
    handlers.set(handler, loaded);
    loaded.catch(() => handlers.delete(handler));
  }
  const endsAt = Date.now() + timeoutSeconds * 1000;
  const context = {
    functionName: handler,
    awsRequestId: randomUUID(),
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  };
  return (await loaded)(event, context as unknown as Context);
}
