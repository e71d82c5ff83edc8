import { prepareDemo } from '../../infra/local/demo.ts';
import { startStack } from '../../infra/local/stack.ts';
import type { FromStack, ToStack } from './stack.ts';

/*
 * The process that is killed: the gateway, the functions, Step Functions and the DynamoDB emulator, with PostgreSQL as
 * its child. It is told what to start, and obeys a few orders, by message.
 */

const say = (message: FromStack): void => void process.send?.(message);

process.once('message', async (order: Extract<ToStack, { kind: 'start' }>) => {
  const { directory, port, settings, standby = false, programs } = order;
  try {
    const stack = await startStack({
      directory,
      port,
      settings,
      standby,
      postgresPrograms: programs,
      log: (line) => say({ kind: 'line', line }),
      onCrash: (error) => {
        console.error(error);
        process.exit(1);
      },
    });
    const { appKey, clientId } = await prepareDemo(stack, directory);
    const { inside, baseUrl } = stack;
    process.on('message', (message: ToStack) => {
      if (message.kind === 'kill-functions') void inside.killFunctions();
      if (message.kind === 'sweep')
        inside.runJob('sweep-orders').then(
          () => say({ kind: 'swept' }),
          (error: unknown) => say({ kind: 'swept', error: String(error) }),
        );
      if (message.kind === 'publish') {
        void Promise.allSettled([inside.runJob('publish-events'), inside.runJob('wake-webhooks')]).then(() =>
          say({ kind: 'published' }),
        );
      }
      if (message.kind === 'stop-schedule') void inside.stopSchedule().then(() => say({ kind: 'schedule-stopped' }));
      if (message.kind === 'locate')
        say({ kind: 'located', postgresPid: inside.postgresPid(), socketPath: inside.socketPath });
      if (message.kind === 'await-standby') void inside.standbyReady().then(() => say({ kind: 'standby-ready' }));
      if (message.kind === 'reconcile')
        inside
          .runJob('snapshot-provider-transactions')
          .then(() => inside.runJob('reconcile'))
          .then(
            () => say({ kind: 'reconciled' }),
            (error: unknown) => say({ kind: 'reconciled', error: String(error) }),
          );
      if (message.kind === 'stop') void stack.stop().then(() => process.exit(0));
    });
    process.once('disconnect', () => void stack.stop().then(() => process.exit(0)));
    say({
      kind: 'ready',
      appKey,
      clientId,
      baseUrl,
      socketPath: inside.socketPath,
      dynamoEndpoint: inside.dynamoEndpoint,
    });
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
});
