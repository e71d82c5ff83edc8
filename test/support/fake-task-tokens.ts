import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A Step Functions that starts whatever it is told to and notes which task tokens succeed. */
export async function startFakeTaskTokens() {
  const succeeded: { token: string; output: string }[] = [];
  const refusals = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const call = String(request.headers['x-amz-target']).split('.').at(-1);
    const body = (await json(request)) as { taskToken?: string; output?: string; name?: string };
    const refusal = call === 'SendTaskSuccess' ? refusals.get(body.taskToken ?? '') : undefined;
    if (call === 'SendTaskSuccess' && refusal === undefined) {
      succeeded.push({ token: body.taskToken ?? '', output: body.output ?? '' });
    }
    response.writeHead(refusal === undefined ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' });
    const started = call === 'StartExecution' ? { executionArn: `arn:${body.name}`, startDate: 1 } : {};
    response.end(JSON.stringify(refusal === undefined ? started : { __type: refusal, message: refusal }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    succeeded,
    /** Errors by task token, as `TaskTimedOut`. */
    refusals,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
