import { type StateMachineName, stateMachines, stateMachineVariables } from '../../lib/contract/deploy/route.ts';
import { tables, tableVariable } from '../../lib/contract/deploy/tables.ts';
import type { Bus } from './bus/start.ts';
import type { Certificate } from './certificate.ts';
import type { LocalDynamo } from './dynamo/start.ts';
import { localStage } from './environment.ts';
import type { Identity } from './identity/start.ts';
import type { RdsProxy } from './rds-proxy/server.ts';
import type { LocalReportFiles } from './report-files/start.ts';
import type { States } from './states/start.ts';
import type { LocalWarehouse } from './warehouse/start.ts';

export const region = 'eu-west-1';
/** One process serves everything here, so an order without a change for this long was left by a killed one. */
export const sweepAfterSeconds = 2;
export const machineArnOf = (name: StateMachineName) =>
  `arn:aws:states:${region}:000000000000:stateMachine:counterfoil-local-order-${name}`;
/** Sign a laptop's calls, as a role's do on AWS. */
export type Credentials = { accessKeyId: string; secretAccessKey: string };

type Endpoints = {
  dynamo: LocalDynamo;
  states: States;
  bus: Bus;
  proxy: RdsProxy;
  readerProxy: RdsProxy;
  warehouse: LocalWarehouse;
  reportFiles: LocalReportFiles;
  certificate: Certificate;
  credentials: Credentials;
  provider: Identity | undefined;
};

/** The functions' environment variables, as the deployed functions have them. */
export const environmentOf = ({
  dynamo,
  states,
  bus,
  warehouse,
  reportFiles,
  certificate,
  credentials,
  provider,
  ...proxies
}: Endpoints) => ({
  AWS_REGION: region,
  STAGE: localStage,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
  AWS_ENDPOINT_URL_SFN: states.endpoint,
  AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
  DATABASE_HOST: proxies.proxy.host,
  DATABASE_PORT: String(proxies.proxy.port),
  DATABASE_READER_HOST: proxies.readerProxy.host,
  DATABASE_READER_PORT: String(proxies.readerProxy.port),
  AWS_ENDPOINT_URL_S3: warehouse.url,
  AWS_ENDPOINT_URL_ATHENA: warehouse.url,
  WAREHOUSE_BUCKET: 'counterfoil-local-warehouse',
  REPORT_FILES_BUCKET: reportFiles.bucket,
  REPORT_FILES_URL: reportFiles.endpoint,
  DATABASE_CA_FILE: certificate.caFile,
  DATABASE_POOL_SIZE: '12',
  ...Object.fromEntries(stateMachines.map((name) => [stateMachineVariables[name], machineArnOf(name)])),
  // Receivers run on the laptop.
  WEBHOOK_TARGETS: 'any',
  NOTICE_MAIL: 'duty@example.com',
  PAYMENT_TIMEOUT_MS: '1000',
  SWEEP_AFTER_SECONDS: String(sweepAfterSeconds),
  ...(provider === undefined ? {} : { IDENTITY_ISSUER: provider.issuer }),
  ...Object.fromEntries(Object.keys(tables).map((table) => [tableVariable(table), table])),
});
