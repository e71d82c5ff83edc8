import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Account, awsAccount } from '../../infra/preflight/account.ts';
import { runPreflight } from '../../infra/tools/preflight.ts';

const zones = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'];
const ready: Account = {
  identity: async () => ({ account: '111111111111', region: 'eu-west-1' }),
  bootstrapVersion: async () => 28,
  zones: async () => zones,
  databaseZones: async () => zones,
  endpointZones: async () => zones,
  dynamodbPrefixList: async () => 'pl-6fa54006',
  vpcs: async () => 1,
  network: async () => ({
    dns: true,
    subnets: { 'subnet-0000000a': 'eu-west-1a', 'subnet-0000000b': 'eu-west-1b' },
    routeTables: { 'rtb-0000000a': false, 'rtb-0000000b': false },
    groups: ['sg-0000000a'],
  }),
  concurrency: async () => ({ limit: 1000, unreserved: 1000 }),
  mail: async () => ({ production: true, sending: true }),
  isVerified: async (identity) => (identity === 'shop.example' ? true : undefined),
  hasSecret: async () => true,
};
const secret = (name: string) => `arn:aws:secretsmanager:eu-west-1:111111111111:secret:${name}-AbCdEf`;
const prod = [
  ...['--profile', 'prod', '-c', 'paymentProvider=stripe', '-c', 'mailFrom=The Shop <hello@shop.example>'],
  ...['-c', `stripeSecretArn=${secret('stripe')}`, '-c', `stripeWebhookSecretArn=${secret('webhook')}`],
  ...['-c', `noticesSecretArn=${secret('notices')}`, '-c', `metricsSecretArn=${secret('metrics')}`],
];

async function preflight(changes: Partial<Account>, args = prod) {
  const lines: string[] = [];
  const code = await runPreflight(
    args,
    () => ({ ...ready, ...changes }),
    (line) => lines.push(line),
  );
  return { code, lines, wrong: lines.filter((line) => /^[✗!]/.test(line)) };
}

describe('an account', () => {
  test('with everything is ready, for either profile', async () => {
    expect(await preflight({})).toMatchObject({
      code: 0,
      wrong: [],
      lines: expect.arrayContaining(['Ready to deploy.']),
    });
    expect(await preflight({}, [])).toMatchObject({ code: 0, wrong: [] });
  });

  test.each<[string, Partial<Account>, RegExp]>([
    ['without bootstrap', { bootstrapVersion: async () => undefined }, /✗ bootstrap: .*npx cdk bootstrap/],
    ['with an old bootstrap', { bootstrapVersion: async () => 5 }, /✗ bootstrap: .*version 5/],
    ['in a region without the engine', { databaseZones: async () => [] }, /✗ database: .*Aurora PostgreSQL 18/],
    [
      'with a zone that lacks the database',
      { databaseZones: async () => zones.slice(1) },
      /✗ zones: eu-west-1a lacks the database\. Pass -c zones=eu-west-1b,eu-west-1c\./,
    ],
    [
      'with a zone that lacks an endpoint',
      { endpointZones: async (service) => (service === 'email' ? zones.slice(0, 2) : zones) },
      /✗ zones: eu-west-1c lacks the endpoint of SES/,
    ],
    [
      'that is new, and may run ten functions at once',
      { concurrency: async () => ({ limit: 10, unreserved: 10 }) },
      /✗ concurrency: .*reserveConcurrency=off/,
    ],
    [
      'whose runs others have reserved',
      { concurrency: async () => ({ limit: 1000, unreserved: 105 }) },
      /✗ concurrency: .*105 unreserved/,
    ],
    [
      'whose sender is not verified',
      { isVerified: async () => false },
      /✗ mail: .*hello@shop\.example nor from shop\.example/,
    ],
    ['that may not send', { mail: async () => ({ production: true, sending: false }) }, /✗ mail: SES has paused/],
    [
      'without a secret',
      { hasSecret: async (arn) => !arn.includes('webhook') },
      /✗ payments: .*webhook-AbCdEf does not exist/,
    ],
    [
      'without the addresses of notices',
      { hasSecret: async (arn) => !arn.includes('notices') },
      /✗ monitoring: .*notices-AbCdEf does not exist/,
    ],
  ])('%s is named, and is not ready', async (_, changes, line) => {
    const { code, lines, wrong } = await preflight(changes);
    expect(wrong.join('\n')).toMatch(line);
    expect({ code, last: lines.at(-1) }).toMatchObject({ code: 1, last: expect.stringMatching(/^Not ready: \d/) });
  });

  test('in the sandbox of SES, or with many networks, is warned and ready', async () => {
    const { code, wrong } = await preflight({
      mail: async () => ({ production: false, sending: true }),
      vpcs: async () => 5,
    });
    expect(code).toBe(0);
    expect(wrong).toEqual([expect.stringMatching(/^! network/), expect.stringMatching(/^! mail: .*sandbox/)]);
  });

  test('that does not allow one look gets all the others', async () => {
    const refused = Object.assign(new Error('not authorized to perform: ssm:GetParameter'), { name: 'AccessDenied' });
    const { code, wrong } = await preflight({ bootstrapVersion: () => Promise.reject(refused) });
    expect({ code, wrong }).toEqual({
      code: 0,
      wrong: [expect.stringContaining('! bootstrap: AWS did not answer this: AccessDenied')],
    });
  });

  test('without credentials says what to set', async () => {
    const identity = () =>
      Promise.reject(Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' }));
    const { code, lines } = await preflight({ identity });
    expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringMatching(/✗ credentials: .*AWS_REGION/)] });
  });
});

describe('a network and a database of the shop', () => {
  const network = [
    'vpcId=vpc-0123456789abcdef0',
    'vpcSubnets=subnet-0000000a:eu-west-1a:rtb-0000000a,subnet-0000000b:eu-west-1b:rtb-0000000b',
  ];
  const database = ['databaseHost=shop.example', 'databaseGroup=sg-0000000a', `databaseSecretArn=${secret('owner')}`];
  const args = [...network, ...database].flatMap((pair) => ['-c', pair]);
  const is = ready.network('any');

  test('that are as the settings say are ready, though the account has many networks and the region no Aurora', async () => {
    const changes = { vpcs: async () => 5, databaseZones: async () => [] };
    expect(await preflight(changes, args)).toMatchObject({ code: 0, wrong: [] });
    expect((await preflight(changes)).code).toBe(1);
  });

  test.each<[string, Partial<Account>, RegExp]>([
    ['that does not exist', { network: async () => undefined }, /✗ brought: vpc-0123456789abcdef0 does not exist/],
    ['without names', { network: async () => ({ ...(await is)!, dns: false }) }, /✗ brought: .*enableDnsHostnames/],
    [
      'with a subnet in another zone',
      { network: async () => ({ ...(await is)!, subnets: { 'subnet-0000000a': 'eu-west-1c' } }) },
      /✗ brought: subnet-0000000a is in eu-west-1c, not in eu-west-1a\.\n✗ brought: subnet-0000000b is no subnet/,
    ],
    [
      'without a route table',
      { network: async () => ({ ...(await is)!, routeTables: { 'rtb-0000000a': false } }) },
      /✗ brought: rtb-0000000b is no route table/,
    ],
    [
      'without the group',
      { network: async () => ({ ...(await is)!, groups: [] }) },
      /✗ brought: sg-0000000a is no sec/,
    ],
    ['with zones that lack an endpoint', { endpointZones: async () => ['eu-west-1a'] }, /Name subnets in other zones/],
    ['without the secret', { hasSecret: async () => false }, /✗ brought: .*owner-AbCdEf does not exist/],
  ])('%s are named, and not ready', async (_, changes, line) => {
    const { code, wrong } = await preflight(changes, args);
    expect(wrong.join('\n')).toMatch(line);
    expect(code).toBe(1);
  });

  test('whose subnets lead out are warned of', async () => {
    const network = async () => ({ ...(await is)!, routeTables: { 'rtb-0000000a': true, 'rtb-0000000b': false } });
    const { code, wrong } = await preflight({ network }, args);
    expect({ code, wrong }).toEqual({ code: 0, wrong: [expect.stringMatching(/^! brought: rtb-0000000a leads out/)] });
  });
});

describe('settings', () => {
  test('may turn reservations off, and name zones', async () => {
    const concurrency = async () => ({ limit: 10, unreserved: 10 });
    const off = await preflight({ concurrency }, [...prod, '-c', 'reserveConcurrency=off']);
    expect(off).toMatchObject({ code: 0, wrong: [expect.stringMatching(/^! concurrency: .*10 at once/)] });
    const databaseZones = async () => zones.slice(1);
    const named = await preflight({ databaseZones }, [...prod, '-c', 'zones=eu-west-1b,eu-west-1c']);
    expect(named).toMatchObject({ code: 0, wrong: [] });
    const list = (id: string) => preflight({}, [...prod, '-c', `dynamodbPrefixList=${id}`]);
    expect(await list('pl-6fa54006')).toMatchObject({ code: 0, wrong: [] });
    expect((await list('pl-00000000')).wrong).toEqual(['✗ network: DynamoDB is pl-6fa54006 here, not pl-00000000.']);
    const unknown = await preflight({}, [...prod, '-c', 'zones=eu-west-1b,eu-west-1z']);
    expect(unknown.wrong).toEqual([expect.stringContaining('The account has no zone eu-west-1z')]);
  });

  test.each([
    [['--profile', 'prod'], /does not take simulated payments/],
    [['-c', 'profile'], /-c profile is not name=value/],
    [['--fast'], /Unknown option '--fast'/],
  ])('%j are refused with the usage', async (args, line) => {
    const { code, lines } = await preflight({}, args);
    expect(code).toBe(2);
    expect(lines.join('\n')).toMatch(line);
    expect(lines.join('\n')).toContain('npm run preflight');
  });
});

describe('what AWS answers', () => {
  const xml = (action: string, body: string) =>
    `<${action}Response><${action}Result>${body}</${action}Result></${action}Response>`;
  const option = (zone: string) =>
    `<OrderableDBInstanceOption><AvailabilityZones><AvailabilityZone><Name>${zone}</Name></AvailabilityZone></AvailabilityZones></OrderableDBInstanceOption>`;
  /** Answers in the words of the API references, by action, target or path. */
  const answers: Record<string, string> = {
    GetCallerIdentity: xml('GetCallerIdentity', '<Account>111111111111</Account>'),
    DescribeOrderableDBInstanceOptions: xml(
      'DescribeOrderableDBInstanceOptions',
      `<OrderableDBInstanceOptions>${option('eu-west-1b')}${option('eu-west-1a')}</OrderableDBInstanceOptions>`,
    ),
    DescribeAvailabilityZones:
      '<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneName>eu-west-1a</zoneName><zoneState>available</zoneState></item><item><zoneName>eu-west-1b</zoneName><zoneState>impaired</zoneState></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>',
    DescribeVpcEndpointServices:
      '<DescribeVpcEndpointServicesResponse><serviceDetailSet><item><availabilityZoneSet><item>eu-west-1a</item></availabilityZoneSet></item></serviceDetailSet></DescribeVpcEndpointServicesResponse>',
    DescribeVpcs: '<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>',
    DescribeVpcAttribute:
      '<DescribeVpcAttributeResponse><enableDnsSupport><value>true</value></enableDnsSupport><enableDnsHostnames><value>true</value></enableDnsHostnames></DescribeVpcAttributeResponse>',
    DescribeSubnets:
      '<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-a</subnetId><availabilityZone>eu-west-1a</availabilityZone></item></subnetSet></DescribeSubnetsResponse>',
    DescribeRouteTables:
      '<DescribeRouteTablesResponse><routeTableSet><item><routeTableId>rtb-a</routeTableId><routeSet><item><gatewayId>local</gatewayId></item><item><gatewayId>vpce-1</gatewayId><destinationPrefixListId>pl-1</destinationPrefixListId></item></routeSet></item><item><routeTableId>rtb-b</routeTableId><routeSet><item><natGatewayId>nat-1</natGatewayId><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock></item></routeSet></item></routeTableSet></DescribeRouteTablesResponse>',
    DescribeSecurityGroups:
      '<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-a</groupId></item></securityGroupInfo></DescribeSecurityGroupsResponse>',
    DescribePrefixLists:
      '<DescribePrefixListsResponse><prefixListSet><item><prefixListId>pl-6fa54006</prefixListId></item></prefixListSet></DescribePrefixListsResponse>',
    'AmazonSSM.GetParameter': '{"Parameter":{"Value":"28"}}',
    'secretsmanager.DescribeSecret': '{"ARN":"arn"}',
    '/2016-08-19/account-settings': '{"AccountLimit":{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":9}}',
    '/v2/email/account': '{"ProductionAccessEnabled":false,"SendingEnabled":true}',
    '/v2/email/identities/shop.example': '{"VerifiedForSendingStatus":true}',
  };
  /** Names of actions that AWS refuses, and how. */
  const refusals = new Map<string, { status: number; body: string }>();
  let server: Server;

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const action = /Action=(\w+)/.exec(await text(request))?.[1];
      const name = action ?? (request.headers['x-amz-target'] as string | undefined) ?? request.url!;
      const { status, body } = refusals.get(name) ?? {
        status: answers[name] === undefined ? 404 : 200,
        body: answers[name] ?? '{"__type":"NotFoundException"}',
      };
      const type = body.startsWith('<') ? 'text/xml' : 'application/x-amz-json-1.1';
      response
        .writeHead(status, { 'content-type': type, 'x-amzn-errortype': status === 404 ? 'NotFoundException' : '' })
        .end(body);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    server.close();
    server.closeAllConnections();
  });

  test('is read as it comes', async () => {
    const account = awsAccount();
    expect(await account.identity()).toEqual({ account: '111111111111', region: 'eu-west-1' });
    expect(await account.bootstrapVersion()).toBe(28);
    expect(await account.zones()).toEqual(['eu-west-1a']);
    expect(await account.databaseZones('18.4')).toEqual(['eu-west-1a', 'eu-west-1b']);
    expect(await account.endpointZones('states')).toEqual(['eu-west-1a']);
    expect(await account.dynamodbPrefixList()).toBe('pl-6fa54006');
    expect(await account.vpcs()).toBe(1);
    expect(await account.network('vpc-1')).toEqual({
      dns: true,
      subnets: { 'subnet-a': 'eu-west-1a' },
      routeTables: { 'rtb-a': false, 'rtb-b': true },
      groups: ['sg-a'],
    });
    expect(await account.concurrency()).toEqual({ limit: 10, unreserved: 9 });
    expect(await account.mail()).toEqual({ production: false, sending: true });
    expect(await account.isVerified('shop.example')).toBe(true);
    expect(await account.hasSecret('arn')).toBe(true);
  });

  test('is nothing where AWS knows nothing', async () => {
    const error = (code: string) => ({
      status: 400,
      body: `<Response><Errors><Error><Code>${code}</Code></Error></Errors></Response>`,
    });
    refusals.set('AmazonSSM.GetParameter', { status: 400, body: '{"__type":"ParameterNotFound"}' });
    refusals.set('secretsmanager.DescribeSecret', { status: 400, body: '{"__type":"ResourceNotFoundException"}' });
    refusals.set('DescribeVpcEndpointServices', error('InvalidServiceName'));
    refusals.set('DescribeOrderableDBInstanceOptions', {
      status: 400,
      body: '<ErrorResponse><Error><Code>InvalidParameterCombination</Code></Error></ErrorResponse>',
    });
    refusals.set('DescribeVpcs', error('InvalidVpcID.NotFound'));
    const account = awsAccount();
    expect(await account.network('vpc-9')).toBeUndefined();
    expect(await account.bootstrapVersion()).toBeUndefined();
    expect(await account.hasSecret('arn')).toBe(false);
    expect(await account.endpointZones('states')).toEqual([]);
    expect(await account.databaseZones('99.9')).toEqual([]);
    expect(await account.isVerified('elsewhere.example')).toBeUndefined();
  });
});
