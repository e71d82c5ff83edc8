import type { Demo } from './demo.ts';

/** What `npm start` shows, to be pasted as it is. */
export function firstOrder({ baseUrl, clientId, customer, products }: Demo): string {
  const [first, second] = products;
  const json = `-H 'content-type: application/json'`;
  const shop = `-H 'client-id: ${clientId}'`;
  return `Place the first order (paste these as they are):

  curl -s ${baseUrl}/products ${shop}

  TOKEN=$(curl -s ${baseUrl}/sessions ${shop} ${json} \\
    -d '${JSON.stringify(customer)}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')

  curl -s ${baseUrl}/quotes ${json} -H "authorization: Bearer $TOKEN" \\
    -d '{"lines":[{"productId":"${first?.id}","quantity":2}]}'

  curl -s ${baseUrl}/orders ${json} -H "authorization: Bearer $TOKEN" \\
    -H "idempotency-key: order-$RANDOM$RANDOM" -H 'prefer: wait=10' \\
    -d '{"lines":[{"productId":"${first?.id}","quantity":2},{"productId":"${second?.id}","quantity":1}],"paymentMethod":"pm_card_visa"}'

  curl -s ${baseUrl}/orders -H "authorization: Bearer $TOKEN"

The API to read: ${baseUrl}/docs    Demo shop: .local/demo.json    Logs: .local/functions.log    Stop: Ctrl-C
`;
}
