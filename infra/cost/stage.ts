import * as lambda from 'aws-cdk-lib/aws-lambda';
import { jobs } from '../../functions/jobs.ts';
import { type Profile, profiles } from '../profiles.ts';
import { readSettings } from '../settings.ts';
import { counterfoil } from '../stage.ts';
import { withThrowawayApp } from '../throwaway-app.ts';

/** What a stage has and pays for by the month, whatever happens in it. */
export type Stage = {
  profile: Profile['name'];
  /** Aurora's lowest capacity, of each instance, in capacity units; and how many instances. */
  minimumAcu: number;
  maximumAcu: number;
  /** Hours of a month in which a database that can pause is kept awake by jobs, at half a unit. */
  awakeHours: number;
  /** Whether there is an RDS Proxy. */
  proxy: boolean;
  /** The share of the hours in which jobs report metrics, which are billed by the hour. */
  reportsHourly: number;
  instances: number;
  /** Zones of all interface endpoints together. */
  endpointZones: number;
  /** Metrics that alarms watch. */
  alarmMetrics: number;
  dashboards: number;
  keys: number;
  secrets: number;
  /** Runs of jobs in a month. */
  jobRuns: number;
  logDays: number;
};

/** Memory of a function in GB, when its row does not say. */
const jobGb = 1;

type Resource = { Type: string; Properties?: Record<string, unknown> };

/** Counts a stage's resources in its templates. The functions' code does not matter. */
export function stageOf(profile: Profile['name']): Stage {
  const context = {
    ...base,
    ...(profile === 'dev' ? {} : profile === 'prod' ? { ...ofAShop, ...ofProd } : ofAShop),
    profile,
  };
  return withThrowawayApp({ context, builtinCloudFormationValidation: false }, (app) => {
    const stacks = counterfoil(app, readSettings(app.node), () => lambda.Code.fromInline('exports.handler = 0'));
    const assembly = app.synth();
    const resources = Object.values(stacks).flatMap(({ artifactId }) =>
      Object.values(assembly.getStackArtifact(artifactId).template.Resources as Record<string, Resource>),
    );
    return {
      profile,
      ...sizeOf(profile),
      ...countIn(resources),
      jobRuns: runsInAMonth(profiles[profile].jobsAt !== undefined),
    };
  });
}

const base = { '@aws-cdk/core:newStyleStackSynthesis': true };
const arn = (name: string) => `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`;
/** Settings without which a stage that sells does not synthesize. */
const ofAShop = {
  paymentProvider: 'stripe',
  stripeSecretArn: arn('stripe'),
  stripeWebhookSecretArn: arn('webhook'),
  alarmEmail: 'duty@example.com',
};
const ofProd = { mailFrom: 'shop@example.com' };

const sizeOf = (profile: Profile['name']) => {
  const { capacity, readers, logDays, proxy, jobsAt } = profiles[profile];
  return {
    proxy,
    awakeHours: awakeHours(jobsAt !== undefined),
    reportsHourly: jobsAt === undefined ? 1 : 1 / 6,
    minimumAcu: capacity.min,
    maximumAcu: capacity.max,
    instances: 1 + readers,
    logDays,
  };
};

function countIn(resources: readonly Resource[]) {
  const ofType = (type: string) =>
    resources.filter(({ Type }) => Type === type).map(({ Properties = {} }) => Properties);
  const interfaces = ofType('AWS::EC2::VPCEndpoint').filter(({ VpcEndpointType }) => VpcEndpointType === 'Interface');
  return {
    endpointZones: interfaces.reduce((sum, { SubnetIds }) => sum + (SubnetIds as unknown[]).length, 0),
    alarmMetrics:
      ofType('AWS::CloudWatch::Alarm').reduce((sum, alarm) => sum + metricsOf(alarm), 0) +
      metricsOfComposite * ofType('AWS::CloudWatch::CompositeAlarm').length,
    dashboards: ofType('AWS::CloudWatch::Dashboard').length,
    keys: ofType('AWS::KMS::Key').length,
    secrets: ofType('AWS::SecretsManager::Secret').length,
  };
}

/** A composite alarm costs as much as five metrics. */
const metricsOfComposite = 5;

/** An alarm on an expression is billed by the metrics in it. */
function metricsOf({ Metrics }: Record<string, unknown>): number {
  if (Metrics === undefined) return 1;
  return (Metrics as { MetricStat?: object }[]).filter(({ MetricStat }) => MetricStat !== undefined).length;
}

const minutesInAMonth = 730 * 60;

/** Jobs run together, for seconds; five minutes and some later Aurora pauses. */
const awakeHours = (isPaced: boolean): number => (isPaced ? (pacedRuns * 6) / 60 : 0);
/** Four a day. */
const pacedRuns = (4 * 365) / 12;

function runsInAMonth(isPaced: boolean): number {
  return Object.values(jobs).reduce((sum, { schedule }) => {
    if (isPaced && !schedule.startsWith('on-')) return sum + pacedRuns;
    const every = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule);
    if (every === null) return sum + (schedule.startsWith('cron') ? 30 : 0);
    const minutes = Number(every[1]) * { minute: 1, hour: 60, day: 1440 }[every[2] as 'minute' | 'hour' | 'day'];
    return sum + minutesInAMonth / minutes;
  }, 0);
}

/** A run of a job takes about a tenth of a second. */
export const jobGbSeconds = 0.1 * jobGb;
