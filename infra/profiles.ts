/** What differs between a stage to try things on, one to rehearse releases on, one that sells a little at little cost, and one that sells. */
export type Profile = {
  name: 'dev' | 'staging' | 'small' | 'prod';
  /** The name of the stage, which all that it has is named after: that of the profile, unless the settings give it one. */
  stage: string;
  /** Availability zones of the network, and of the interface endpoints in it. */
  zones: number;
  /** The zones by name; without them the first of the region. */
  zoneNames?: readonly string[];
  endpointZones: number;
  /** Whether functions share connections through RDS Proxy; without it each environment of a function holds one of its own. */
  proxy: boolean;
  /** Aurora Serverless v2, in capacity units of about 2 GiB. With a minimum of 0 it pauses when nobody is connected for five minutes. */
  capacity: { min: number; max: number };
  /** Replaces the schedule of every job that would run more often, so that the database is left alone in between. */
  jobsAt?: `cron(${string})`;
  /** Whether every alarm and dashboard exists, or only what tells of lost money, lost orders and an outage. */
  monitoring: 'whole' | 'least';
  /** Whether a vault keeps backups, and tests restore them. */
  vault: boolean;
  readers: number;
  /** Whether history is loaded into a bucket, and reports ask Athena for it. */
  warehouse: boolean;
  backupDays: number;
  logDays: 14 | 365;
  /** Data, keys and logs outlive a deleted stack, and the stacks refuse to be deleted. */
  keeps: boolean;
  /** What is stored lies under a key of the stage: a snapshot under Amazon's own key cannot be shared with another account. */
  ownKey: boolean;
  /** Whether customers must confirm their e-mail before they can sign in. This takes a sender of mails. */
  confirmEmail: 'none' | 'required';
  /** Whether somebody is paged when an error budget burns. */
  watchesObjectives: boolean;
  /** X-Ray traces of functions and of the saga's executions. */
  traces: boolean;
  /** At most one run of a job at a time; needs an account with more than the 10 concurrent runs a new one has. */
  reservesConcurrency: boolean;
  /** Whether orders move to a new version step by step, and back when it does worse. */
  canary: boolean;
  /** Requests a second, and at once, that the HTTP API lets through. */
  throttle: { rate: number; burst: number };
};

export const profiles: Readonly<Record<Profile['name'], Profile>> = {
  dev: {
    name: 'dev',
    stage: 'dev',
    zones: 2,
    endpointZones: 1,
    proxy: true,
    capacity: { min: 0.5, max: 2 },
    monitoring: 'whole',
    vault: false,
    readers: 0,
    warehouse: false,
    backupDays: 1,
    logDays: 14,
    keeps: false,
    ownKey: false,
    confirmEmail: 'none',
    watchesObjectives: false,
    traces: false,
    reservesConcurrency: false,
    canary: false,
    throttle: { rate: 100, burst: 200 },
  },
  // As `prod` in all that a release can break, at the size and with the payments of `dev`; it can be deleted.
  staging: {
    name: 'staging',
    stage: 'staging',
    zones: 2,
    endpointZones: 1,
    proxy: true,
    capacity: { min: 0.5, max: 8 },
    monitoring: 'whole',
    vault: false,
    readers: 1,
    warehouse: true,
    backupDays: 1,
    logDays: 14,
    keeps: false,
    ownKey: true,
    confirmEmail: 'none',
    watchesObjectives: false,
    traces: false,
    reservesConcurrency: false,
    canary: true,
    throttle: { rate: 200, burst: 400 },
  },
  small: {
    name: 'small',
    stage: 'small',
    zones: 2,
    endpointZones: 1,
    proxy: false,
    capacity: { min: 0, max: 2 },
    jobsAt: 'cron(0 0/6 * * ? *)',
    monitoring: 'least',
    vault: false,
    readers: 0,
    warehouse: false,
    backupDays: 7,
    logDays: 14,
    keeps: true,
    ownKey: false,
    confirmEmail: 'none',
    watchesObjectives: false,
    canary: false,
    traces: false,
    reservesConcurrency: false,
    throttle: { rate: 20, burst: 20 },
  },
  prod: {
    name: 'prod',
    stage: 'prod',
    zones: 3,
    endpointZones: 3,
    proxy: true,
    capacity: { min: 2, max: 32 },
    monitoring: 'whole',
    vault: true,
    readers: 1,
    warehouse: true,
    backupDays: 30,
    logDays: 365,
    keeps: true,
    ownKey: true,
    confirmEmail: 'required',
    watchesObjectives: true,
    traces: false,
    reservesConcurrency: true,
    canary: true,
    throttle: { rate: 1000, burst: 500 },
  },
};
