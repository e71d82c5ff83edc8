import * as z from 'zod/mini';
import { id, timestamp } from '../api/common.ts';
import { defineEvent, type EventDefinition, field } from './define-event.ts';

/*
 * Events about webhook endpoints. They concern the application that owns the endpoint alone: they go to endpoints of its own
 * and are not in the outbox, so neither in the feed nor in replays.
 */

export const webhookEndpointDisabled = defineEvent('webhook_endpoint.disabled', 1, {
  description:
    'A webhook endpoint was disabled, because it answered 410 or took nothing for three days. It goes to the other endpoints of the same application.',
  data: {
    endpointId: field(id('webhookEndpoint'), 'Id of the endpoint.'),
    applicationId: field(id('application'), 'Id of the application that it belongs to.'),
    reason: field(z.enum(['gone', 'failing']), '`gone` after an answer 410, `failing` after three days.'),
    failingSince: field(
      z.nullable(timestamp),
      'Since when it took nothing. `null` when its first failure was the 410.',
    ),
  },
  example: {
    endpointId: 'whe_0198c69f7b3d7e10a4c8e2f5d6b91a07',
    applicationId: 'app_0198c69f7b3d7e10a4c8e2f5d6b91a07',
    reason: 'failing',
    failingSince: '2026-11-26T09:30:00.000Z',
  },
});

/** A test that the owner of an endpoint asks for. No endpoint can ask for it by its type. */
export const webhookPing = defineEvent('webhook.ping', 1, {
  description: 'A test of an endpoint, which its owner asked for.',
  data: {},
  example: {},
});

/** The events about endpoints that an endpoint can ask for. */
export const webhookEvents: readonly EventDefinition[] = [webhookEndpointDisabled];
