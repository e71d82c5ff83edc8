import { gzipSync } from 'node:zlib';

/** Log lines in the form that CloudWatch Logs sends to a subscribed function. */
export const logPayload = (lines: readonly string[], messageType = 'DATA_MESSAGE') => ({
  awslogs: {
    data: gzipSync(
      JSON.stringify({
        messageType,
        owner: '123456789012',
        logGroup: '/counterfoil/dev/http/get-order',
        logStream: '2026/03/14/[$LATEST]94fa867e5374431291a7fc14e2f56ae7',
        subscriptionFilters: ['record-access'],
        logEvents: lines.map((message, n) => ({ id: String(n), timestamp: Date.now(), message })),
      }),
    ).toString('base64'),
  },
});
