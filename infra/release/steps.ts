import { profiles } from '../profiles.ts';

/** A stage that a release goes to: the one to try it on, and then the one that sells. */
export type ReleaseStage = 'staging' | 'prod';

export const stepNames = ['check', 'synth', 'diff', 'preflight', 'budget', 'deploy', 'prove'] as const;
export type StepName = (typeof stepNames)[number];

/** What going back to an earlier release takes. It was checked when it was released. */
export const backSteps = ['synth', 'diff', 'deploy', 'prove'] as const satisfies readonly StepName[];

/** A command, and the file that its output goes to besides. `smoke` and `budget` are done here. */
export type Step = { name: StepName } & (
  | { command: string[]; output?: string }
  | { smoke: string }
  /** The stage whose error budgets are read; undefined where no objective is watched. */
  | { budget: string | undefined }
);

/** What the resources of a stage are named after. */
export const nameOf = (stage: ReleaseStage, settings: Readonly<Record<string, string>>): string =>
  settings.stage ?? stage;

export const assemblyOf = (stage: ReleaseStage): string => `cdk.out/${stage}`;
export const outputsOf = (stage: ReleaseStage): string => `cdk.out/${stage}.outputs.json`;
export const diffOf = (stage: ReleaseStage): string => `cdk.out/${stage}.diff.txt`;

/**
 * The steps of a release to a stage, in order. What `synth` wrote is what is shown, approved and deployed.
 * @param settings the context of the stage, by name, as docs/deploy.md lists it
 * @param url the address of the API, once it is known
 */
export function stepsOf(stage: ReleaseStage, settings: Readonly<Record<string, string>>, url?: string): Step[] {
  const assembly = assemblyOf(stage);
  const context = Object.entries({ ...settings, profile: stage }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const cdk = (...args: string[]): string[] => ['npx', '--no-install', 'cdk', ...args];
  return [
    { name: 'check', command: ['npm', 'test'] },
    { name: 'synth', command: cdk('synth', '--quiet', '--output', assembly, ...context) },
    // By the templates alone: a change set would need the rights of a deployment.
    {
      name: 'diff',
      command: cdk('diff', '--app', assembly, '--method', 'template', '--no-color'),
      output: diffOf(stage),
    },
    { name: 'preflight', command: ['npm', 'run', '--silent', 'preflight', '--', ...context] },
    // Staging fails on purpose now and then; a shop does not.
    { name: 'budget', budget: profiles[stage].watchesObjectives ? nameOf(stage, settings) : undefined },
    {
      name: 'deploy',
      command: cdk(
        ...['deploy', '--all', '--app', assembly, '--concurrency', '4', '--require-approval', 'never'],
        ...['--outputs-file', outputsOf(stage), '--progress', 'events'],
      ),
    },
    stage === 'staging'
      ? { name: 'prove', command: ['npm', 'run', '--silent', 'test:e2e', '--', '--url', url ?? ''] }
      : { name: 'prove', smoke: url ?? '' },
  ];
}
