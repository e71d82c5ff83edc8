import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

/** The event that CloudFormation sends to a custom resource. */
export type DeployEvent = {
  RequestType: 'Create' | 'Update' | 'Delete';
  ResponseURL: string;
  StackId: string;
  RequestId: string;
  LogicalResourceId: string;
  /** `Newest` is the name of the release's newest migration, `0007_monitoring`. */
  ResourceProperties: { Newest: string };
  OldResourceProperties?: { Newest: string };
};

export type Deps = {
  /** Runs the migrate job once. Rejects with its error. */
  migrate: () => Promise<{ applied: string[] }>;
  put: (url: string, body: string) => Promise<void>;
  pause: (milliseconds: number) => Promise<unknown>;
  log: (line: string) => void;
  /** Milliseconds left to answer in. */
  remaining: () => number;
};

const pauseMs = 30_000;

/** Answers CloudFormation in any case: a custom resource that does not answer blocks its stack for an hour. */
export async function run(event: DeployEvent, deps: Deps): Promise<void> {
  let answer: { Status: 'SUCCESS' | 'FAILED'; Reason: string };
  try {
    answer = { Status: 'SUCCESS', Reason: await bringUp(event, deps) };
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    answer = { Status: 'FAILED', Reason: `Migrations failed, nothing new serves. ${message}`.slice(0, 1000) };
  }
  deps.log(`${event.RequestType} ${answer.Status}: ${answer.Reason}`);
  const { StackId, RequestId, LogicalResourceId } = event;
  await deps.put(
    event.ResponseURL,
    JSON.stringify({ ...answer, PhysicalResourceId: 'migrations', StackId, RequestId, LogicalResourceId }),
  );
}

async function bringUp(event: DeployEvent, deps: Deps): Promise<string> {
  if (event.RequestType === 'Delete') return 'The schema stays.';
  const { Newest: wanted } = event.ResourceProperties;
  const deployed = event.OldResourceProperties?.Newest;
  // An older release is deployed, by a rollback or on purpose. It runs on the newer schema, so this is no error.
  if (event.RequestType === 'Update' && deployed !== undefined && wanted < deployed) {
    return `The schema stays at ${deployed}, which this release can run on.`;
  }
  for (;;) {
    try {
      const { applied } = await deps.migrate();
      return applied.length === 0 ? 'Nothing to apply.' : `Applied ${applied.join(', ')}.`;
    } catch (error) {
      // A new database and its proxy may refuse logins for minutes. A migration that is wrong stays wrong.
      const mayPass = event.RequestType === 'Create' && !(error instanceof Error && /^Migration/.test(error.name));
      if (!mayPass || deps.remaining() < 2 * pauseMs) throw error;
      deps.log(`not yet (${String(error)}), once more in ${pauseMs / 1000} s`);
      await deps.pause(pauseMs);
    }
  }
}

/** The function of the custom resource: runs the migrations before CloudFormation deploys new code. */
export const handler = (event: DeployEvent, context: { getRemainingTimeInMillis(): number }): Promise<void> => {
  // A migration may take long and must not be started twice, so there is no retry.
  const client = new LambdaClient({ maxAttempts: 1, credentials: roleCredentials() });
  return run(event, {
    migrate: () => invoke(client),
    put,
    pause: sleep,
    log: console.log,
    remaining: () => context.getRemainingTimeInMillis(),
  });
};

const roleCredentials = () => ({
  accessKeyId: process.env.AWS_ACCESS_KEY_ID!,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY!,
  sessionToken: process.env.AWS_SESSION_TOKEN!,
});

async function invoke(client: LambdaClient): Promise<{ applied: string[] }> {
  const { FunctionError, Payload } = await client.send(
    new InvokeCommand({ FunctionName: process.env.MIGRATE_FUNCTION, Payload: '{}' }),
  );
  const result = JSON.parse(Payload?.transformToString() || '{}');
  if (FunctionError === undefined) return result;
  throw Object.assign(new Error(result.errorMessage ?? 'no message'), { name: result.errorType ?? FunctionError });
}

async function put(url: string, body: string): Promise<void> {
  const response = await fetch(url, { method: 'PUT', body, headers: { 'content-type': '' } });
  if (!response.ok) throw new Error(`CloudFormation's answer address answered ${response.status}`);
}
