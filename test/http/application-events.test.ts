import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeApplication, readApplication } from '../../lib/auth/applications/applications.dynamo.ts';
import { newServer } from '../support/applications.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
beforeAll(async () => {
  handlers = await openLiveHandlers();
});
afterAll(() => handlers?.close());

async function announce() {
  const { handler } = await import('../../functions/jobs/announce-applications.ts');
  return await handler({}, {} as Context);
}

async function setStatus(applicationId: string, status: 'active' | 'suspended') {
  const item = await readApplication(handlers.applications, applicationId);
  await changeApplication(handlers.applications, item!, { status });
}

test('a suspension is an event, once, whoever suspends and however often the job runs', async () => {
  const { id } = await newServer(handlers.applications, 'events:read');
  expect(await announce()).toEqual({ announced: 0 });
  await setStatus(id, 'suspended');
  expect(await announce()).toEqual({ announced: 1 });
  expect(await announce()).toEqual({ announced: 0 });
  await setStatus(id, 'active');
  expect(await announce()).toEqual({ announced: 0 });
  await setStatus(id, 'suspended');
  // Changing something else meanwhile hides nothing.
  await setStatus(id, 'suspended');
  expect(await announce()).toEqual({ announced: 1 });
  const events = await handlers.owner`
    select type, subject, sequence, data from outbox.events where aggregate_id = ${id} order by sequence`;
  expect(events.map((row) => ({ ...row }))).toEqual(
    [2, 4].map((sequence) => ({
      type: 'application.suspended',
      subject: id,
      sequence,
      data: { applicationId: id, name: expect.any(String) },
    })),
  );
});
