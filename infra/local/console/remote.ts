import type { MessagePort } from 'node:worker_threads';
import type { FromConsole, RemoteStack, StackCalls, ToConsole } from './protocol.ts';

/** The stack as the console's thread sees it. A call rejects with the name and message of what the stack threw. */
export function remoteStack(port: MessagePort): RemoteStack {
  const calls = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  port.on('message', (message: ToConsole) => {
    if (message.kind !== 'answer') return;
    const { id, result, error } = message;
    const call = calls.get(id);
    calls.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(Object.assign(new Error(error.message), { name: error.name }));
  });
  const ask =
    (call: keyof StackCalls) =>
    (...args: unknown[]) => {
      const asked = Promise.withResolvers<unknown>();
      calls.set(++last, asked);
      port.postMessage({ kind: 'ask', id: last, call, args } satisfies FromConsole);
      return asked.promise;
    };
  return new Proxy({}, { get: (_, call) => ask(call as keyof StackCalls) }) as RemoteStack;
}
