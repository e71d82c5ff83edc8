import type { Right } from './prove.ts';

/** Rights that the recorded runs may leave unused, and why the functions have them all the same. */
export type Explanation = { handler: RegExp; action: RegExp; resource: RegExp; because: string };

const anything = /./;

export const explanations: readonly Explanation[] = [
  {
    handler: /^http\//,
    action: /^dynamodb:(GetItem|UpdateItem)$/,
    resource: /\/Tables(Applications|AppKeys|Sessions|IssuerKeys|Identities|Limits)\w+$/,
    because:
      'Whoever authenticates needs it. The functions of a laptop share a process: what one has read of an application or a ' +
      'session, another takes from memory; the last use is noted now and then, and requests are counted together.',
  },
  {
    handler: /^http\//,
    action: /^dynamodb:(GetItem|UpdateItem)$/,
    resource: /\/TablesCache\w+$/,
    because: 'The functions of a laptop share a process, and with it the pointers and leases of the cache.',
  },
  {
    handler: /^http\/get-\w+-report$/,
    action: /^(glue|s3|athena):\w+$/,
    resource: anything,
    because:
      'Athena reads tables and files, and writes answers, with the rights of who asks; a laptop’s DuckDB needs none. ' +
      'A query that takes too long is stopped. test/sql/warehouse-athena.test.ts asks.',
  },
  {
    handler: /^jobs\/(load|check)-warehouse$/,
    action: anything,
    resource: anything,
    because:
      'Both share the rights of what writes the warehouse and run by the hour, or at night; test/infra/local-reader.test.ts ' +
      'and test/sql/warehouse-athena.test.ts run them.',
  },
  {
    handler: /^deploy\/run-migrations$/,
    action: /^lambda:InvokeFunction$/,
    resource: /jobs-migrate$/,
    because:
      'CloudFormation calls it. A laptop applies migrations by itself when it starts; test/infra/run-migrations.test.ts runs it.',
  },
  {
    handler: /^saga\/(charge|refund|capture)-/,
    action: /^dynamodb:(GetItem|PutItem|UpdateItem)$/,
    resource: /\/TablesCharges\w+$/,
    because:
      'The simulated provider keeps charges, for all its steps alike: a refund that comes before its charge is stored, and a ' +
      'charge that is repeated is read. Stripe has no table.',
  },
  {
    handler: /^(jobs\/sweep-orders|saga\/await-payment|jobs\/reconcile)$/,
    action: /^(states:\w+|dynamodb:UpdateItem)$/,
    resource: anything,
    because:
      'It repairs what a crash between two steps leaves, or meets a callback that came first: test/saga and test/faults make both.',
  },
  {
    handler: /^(jobs|consumers)\//,
    action: /^events:PutEvents$/,
    resource: anything,
    because: 'It calls for more work when one run could not do all: test/http and test/sql make so much work.',
  },
  {
    handler:
      /^jobs\/(wake-webhooks|announce-applications|check-restored-copy|rotate-audit|archive-records|reconcile-books)$/,
    action: anything,
    resource: anything,
    because:
      'It runs by the hour or by night, or when a message was lost, and a run of tests may end before; test/http, test/saga and test/sql run it.',
  },
  {
    handler: /^(jobs\/(send-reports|run-report-exports)|http\/get-report-export)$/,
    action: anything,
    resource: anything,
    because: 'It works when a report is due or was asked for; files go past the SDK. test/http runs it.',
  },
  {
    handler:
      /^http\/(sign-in|sign-out-everywhere|(confirm|change|request)-(email|password)(-change|-reset)?|reset-password|erase-me|end-customer-sessions|update-customer|(un)?link-(customer-)?identity)$/,
    action: /^(dynamodb:\w+|events:PutEvents|rds-db:connect)$/,
    resource: anything,
    because:
      'It ends the sessions, identities and failed sign-ins that a customer happens to have, or needs a token from a mail: ' +
      'test/http/{accounts,sessions,identity,limits}.test.ts make such customers.',
  },
  {
    handler: /^(http\/\w+-webhook-\w+|consumers\/route-webhook-news)$/,
    action: /^(dynamodb:\w+|events:PutEvents|rds-db:connect)$/,
    resource: anything,
    because:
      'It needs an endpoint or a delivery that was made before: test/http/webhooks.test.ts and its neighbours make both.',
  },
  {
    handler: /^http\/(update|delete)-(application|key)$/,
    action: /^dynamodb:(Put|Delete)Item$/,
    resource: /\/Tables(Applications|AppKeys)\w+$/,
    because: 'It needs an application that was registered before: test/http/applications.test.ts registers some.',
  },
  {
    handler: /^jobs\/refresh-issuer-keys$/,
    action: /^dynamodb:GetItem$/,
    resource: /\/TablesIssuerKeys\w+$/,
    because:
      'It reads the old keys when the issuer does not answer: test/unit/identity-refresh.test.ts has such an issuer.',
  },
  {
    handler: /^jobs\/send-notices$/,
    action: /^dynamodb:(GetItem|UpdateItem)$/,
    resource: /\/TablesNotices\w+$/,
    because:
      'It keeps what it sent of an alarm, and nothing rings in a sound run: test/http/notices.test.ts rings alarms.',
  },
];

/** The explanation of an unused right; undefined when there is none. */
export const explanationOf = ({ handler, action, resource }: Right): Explanation | undefined =>
  explanations.find((one) => one.handler.test(handler) && one.action.test(action) && one.resource.test(resource));
