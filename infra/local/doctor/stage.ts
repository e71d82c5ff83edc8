import { GetFunctionConfigurationCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { functionNameOf } from '../../constructs/names.ts';

/** Functions whose variables together name everything that the doctor looks at. */
const sources = ['jobs/migrate', 'jobs/sweep-orders', 'jobs/wake-webhooks', 'http/place-order', 'http/get-health'];

/**
 * The environment of a stage's functions: the proxy, the tables, the state machines.
 * @throws Error when the stage has no such function, or the credentials may not read them
 */
export async function readStageEnvironment(client: LambdaClient, stage: string): Promise<Record<string, string>> {
  const all = await Promise.all(
    sources.map(async (handler) => {
      const name = functionNameOf(stage, handler);
      const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
      return Environment?.Variables ?? {};
    }),
  );
  return Object.assign({}, ...all) as Record<string, string>;
}
