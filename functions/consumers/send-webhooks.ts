import * as z from 'zod/mini';
import { id } from '../../lib/contract/api/common.ts';
import { type DeliverDeps, deliverTo } from '../../lib/events/webhooks/deliver.ts';
import type { EndpointKey } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { tellOf } from '../../lib/events/webhooks/notices.ts';
import { httpSender } from '../../lib/events/webhooks/send.gateway.ts';
import { config } from '../../lib/platform/config.ts';
import { consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { mayReceiveEvents } from '../../lib/platform/webhook-access.ts';
import { tellOfWebhooks, type WakeSenders, wakeSenders } from '../../lib/platform/webhook-signals.ts';
import { consumers } from '../consumers.ts';

const endpoint = z.object({ applicationId: id('application'), endpointId: id('webhookEndpoint') });

type Deps = Omit<DeliverDeps, 'onTimeUp'> & { wake: WakeSenders };

/** Sends what is due for one webhook endpoint. */
export async function run(key: EndpointKey, { wake, ...deps }: Deps) {
  const attempts = await deliverTo({ ...deps, onTimeUp: () => wake([key]) }, key);
  return { endpointId: key.endpointId, ...(attempts === undefined ? { outcome: 'not to be had' } : { attempts }) };
}

const consumer = consumers['send-webhooks'];

export const handler = consumerHandler(consumer, endpoint, run, ({ stopwatch, meter, log }) => {
  const store = webhookStore();
  return {
    store,
    mayReceive: mayReceiveEvents,
    send: httpSender({ allowed: config().WEBHOOK_TARGETS, elapsed: stopwatch.elapsed }),
    wake: wakeSenders,
    stopwatch,
    random: Math.random,
    // The last attempts take ten seconds at most.
    limitMs: (consumer.timeoutSeconds - 20) * 1000,
    onOutcome: (outcome) => meter.count('WebhookAttempts', 1, outcome),
    onDisabled: async (disabled, reason) => {
      meter.count('WebhookEndpointsDisabled', 1, reason);
      const { endpointId, applicationId } = disabled;
      log.error('webhook endpoint disabled', { endpointId, applicationId, reason });
      // What is not told now, wake-webhooks tells within a minute.
      await tellOf(store, disabled, tellOfWebhooks).catch((error: unknown) =>
        log.warn('webhook endpoint disabled, and not told', { endpointId, reason: String(error) }),
      );
    },
  };
});
