import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { stepNames } from '../../infra/release/steps.ts';
import { scenes } from '../deploy/scenes.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

type Step = { uses?: string; run?: string; with?: Record<string, unknown> };
type Job = {
  needs?: string | string[];
  environment?: string;
  permissions?: unknown;
  env?: Record<string, string>;
  'timeout-minutes'?: unknown;
  steps: Step[];
};
type Workflow = {
  on: Record<string, unknown>;
  permissions?: unknown;
  concurrency?: unknown;
  jobs: Record<string, Job>;
};

const folder = '.github/workflows';
const workflows = readdirSync(join(root, folder)).map((name) => {
  const text = read(`${folder}/${name}`);
  return { name, text, workflow: parse(text) as Workflow };
});
const workflow = (name: string): Workflow => workflows.find((file) => file.name === name)!.workflow;
const runs = (job: Job | undefined): string[] => job?.steps.flatMap(({ run }) => run ?? []) ?? [];

describe.each(workflows)('$name', ({ text, workflow }) => {
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps);

  test('pins each action by its commit and says which version that is', () => {
    const uses = [...text.matchAll(/\buses: *(.*)$/gm)].map((m) => m[1]!);
    expect(uses).toHaveLength(steps.filter((step) => step.uses !== undefined).length);
    expect(uses.filter((line) => !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  test('may only read the repository, and leaves no credentials in the checkout', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    // A job that takes a role of AWS may ask for a token of its own, and only within an environment that the role names.
    const aws = { contents: 'read', 'id-token': 'write', attestations: expect.stringMatching(/^(read|write)$/) };
    const commenting = { 'pull-requests': 'write' };
    for (const { environment, permissions, steps } of jobs) {
      const isReading = steps.some(({ uses }) => uses?.startsWith('actions/checkout@'));
      // Who may write to a pull request runs nothing that it brings.
      expect(permissions).toEqual(environment !== undefined ? aws : isReading ? undefined : commenting);
    }
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts).toHaveLength(
      jobs.filter(({ permissions }) => !isDeepStrictEqual(permissions, commenting)).length,
    );
    for (const checkout of checkouts) expect(checkout.with).toMatchObject({ 'persist-credentials': false });
  });

  test('ends: each job has a time limit, and runs of it do not pile up', () => {
    for (const job of jobs) expect(job['timeout-minutes']).toBeLessThanOrEqual(360);
    expect(workflow.concurrency).toBeDefined();
  });

  test('runs only scripts that exist, and puts no expression into a shell', () => {
    const commands = jobs.flatMap(runs);
    const named = commands.flatMap((run) => [...run.matchAll(/\bnpm run ([\w:-]+)/g)].map((m) => m[1]!));
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
    const files = commands.flatMap((run) => run.match(/^\.[\w./-]+/gm) ?? []);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    expect(commands.filter((run) => run.includes('${{'))).toEqual([]);
  });
});

test('.ci/run names only scripts that exist', () => {
  const named = [...read('.ci/run').matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)].map((m) => m[1] ?? m[2]!);
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
});

test('each push and each pull request runs what a change must pass', () => {
  const { on, jobs } = workflow('ci.yml');
  expect(on).toEqual({ push: null, pull_request: null });
  expect(runs(jobs.ci)).toEqual(['.ci/run']);
});

test('each night runs what takes too long for that, each in a job of its own', () => {
  const { on, jobs } = workflow('nightly.yml');
  expect(on).toHaveProperty('schedule');
  const scriptOf = (job: Job) => runs(job).flatMap((run) => /^npm run ([\w:-]+)/.exec(run)?.[1] ?? []);
  expect(Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, scriptOf(job)]))).toEqual({
    mutation: ['test:mutation'],
    histories: ['test:histories'],
    faults: ['test:faults'],
    drills: ['drill', 'drill', 'drill'],
    servers: ['test:parts', 'test:parts', 'test:e2e', 'test:parts', 'containers', 'test:parts', 'test:parts'],
    compose: ['containers'],
    judges: ['test:judges', 'test:judges', 'test:judges', 'test:judges', 'test:judges'],
    deploy: ['test:deploy'],
    advisories: [],
    soak: ['soak'],
  });
});

test('a release is checked, planned, proven on staging, and deployed to prod after an approval', () => {
  const { on, jobs } = workflow('deploy.yml');
  expect(on).toEqual({ push: { tags: ['v*'] }, workflow_dispatch: { inputs: { despite_budget: expect.anything() } } });
  const order = Object.entries(jobs).map(([name, { needs, environment }]) => [name, needs, environment]);
  expect(order).toEqual([
    ['check', undefined, undefined],
    ['plan', 'check', expect.stringMatching(/^\$\{\{ matrix\.stage \}\}-plan$/)],
    ['staging', 'plan', 'staging'],
    ['prod', ['plan', 'staging'], 'prod'],
  ]);
  const stepsOf = (name: string) =>
    runs(jobs[name]).flatMap((run) => [...run.matchAll(/--step (\w+)/g)].map(([, step]) => step));
  expect(['check', 'plan'].flatMap(stepsOf).concat(stepsOf('staging'))).toEqual(stepNames);
  expect(stepsOf('prod')).toEqual(stepsOf('staging'));
  // What somebody types reaches the command as a variable, and for prod alone.
  const overrides = [jobs.prod, jobs.staging].map((job) => JSON.stringify(job).includes('inputs.despite_budget'));
  expect(overrides).toEqual([true, false]);
});

test('each job that brings a release to a stage has the settings of the stage, which name it', () => {
  const { jobs } = workflow('deploy.yml');
  for (const name of ['plan', 'staging', 'prod'])
    expect(jobs[name]!.env, name).toMatchObject({ COUNTERFOIL_SETTINGS: `\${{ vars.COUNTERFOIL_SETTINGS }}` });
});

test('a pull request shows what it does to the stacks, by a job that runs none of it', () => {
  const { on, jobs } = workflow('diff.yml');
  expect(on).toEqual({ pull_request: null });
  expect(runs(jobs.templates).join()).toContain('.ci/diff "$BASE"');
  expect(jobs.comment).toMatchObject({ needs: 'templates', permissions: { 'pull-requests': 'write' } });
  expect(runs(jobs.comment)).toEqual([expect.stringMatching(/^gh pr comment .* --body-file diff\.md$/)]);
});

test('what is deployed has a signed provenance, which is verified before it is unpacked', () => {
  const { jobs } = workflow('deploy.yml');
  const attest = jobs.plan!.steps.findIndex(({ uses }) => uses?.startsWith('actions/attest-build-provenance@'));
  const credentials = jobs.plan!.steps.findIndex(({ uses }) => uses?.startsWith('aws-actions/'));
  const file = `cdk.out/\${{ matrix.stage }}.tar.gz`;
  expect(jobs.plan!.steps[attest]!.with).toEqual({ 'subject-path': file });
  expect(attest).toBeLessThan(credentials);
  for (const name of ['staging', 'prod']) {
    const [verify, unpack] = ['gh attestation verify', 'tar -xzf'].map((command) =>
      runs(jobs[name]).findIndex((run) => run.startsWith(`${command} cdk.out/${name}.tar.gz`)),
    );
    expect(verify).toBeGreaterThanOrEqual(0);
    expect(unpack).toBe(verify! + 1);
    expect(jobs[name]!.permissions).toMatchObject({ attestations: 'read' });
  }
});

test('a deployment has no long-lived key, and deploys what was planned', () => {
  const { text } = workflows.find(({ name }) => name === 'deploy.yml')!;
  expect(text).not.toMatch(/aws-(access-key-id|secret-access-key|session-token)/i);
  expect([...text.matchAll(/secrets\.(\w+)/g)].map(([, name]) => name)).toEqual(['COUNTERFOIL_APP_KEY']);
  const { jobs } = workflow('deploy.yml');
  for (const job of [jobs.staging!, jobs.prod!]) {
    expect(runs(job).join()).not.toContain('synth');
    expect(job.steps.some(({ uses }) => uses?.startsWith('actions/download-artifact@'))).toBe(true);
    // The cache may be written by runs that are less trusted.
    for (const step of job.steps) expect(step.with ?? {}).not.toHaveProperty('cache');
  }
});

test('the mutants of every part are tried', () => {
  const { strategy } = workflow('nightly.yml').jobs.mutation as Job & { strategy: { matrix: { part: string[] } } };
  const parts = /^const parts = \[(.+)\] as const;$/m.exec(read('test/mutation/run.ts'))![1]!;
  expect(strategy.matrix.part).toEqual([...parts.matchAll(/'(\w+)'/g)].map((m) => m[1]));
});

test('every scene of the deploy proof is played at night or for each change', () => {
  const { strategy } = workflow('nightly.yml').jobs.deploy as Job & { strategy: { matrix: { scene: string[] } } };
  expect(strategy.matrix.scene).toEqual(scenes.flatMap(({ name, nightly }) => (nightly ? [name] : [])));
  expect(read('.ci/run')).toMatch(/npm run test:deploy -- --python cdk\.out\/venv\/bin --directory/);
});

test('Dependabot looks at packages and at actions each week, in groups', () => {
  const { updates } = parse(read('.github/dependabot.yml')) as {
    updates: { 'package-ecosystem': string; schedule: { interval: string }; groups: object }[];
  };
  expect(updates.map((update) => update['package-ecosystem'])).toEqual(['npm', 'github-actions']);
  for (const { schedule, groups } of updates) {
    expect(schedule.interval).toBe('weekly');
    expect(Object.keys(groups)).not.toEqual([]);
  }
});
