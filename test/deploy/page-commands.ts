import type { Page } from './page.ts';

export type SceneName =
  | 'first-order'
  | 'page-dev'
  | 'page-prod'
  | 'suite'
  | 'canary'
  | 'back'
  | 'settings-dev'
  | 'settings-staging'
  | 'settings-small'
  | 'settings-prod';

/** The scene that runs a command, or why none can. */
export type Who = { scene: SceneName } | { why: string };

const by = (scene: SceneName): Who => ({ scene });
const not = (why: string): Who => ({ why });

const named = not('names a tool; its command lines stand elsewhere');
const eachChange = not('.ci/run runs it for each change, without an account');
const laptop = not('is of a laptop, where .ci/run runs it');
const wholeSuite = not('ten functions and MiniStack do not carry all files: the scene suite runs those that they do');

/**
 * Who runs each command of the pages, by the names of page.ts. test/unit/page-commands.test.ts compares it with the pages, and a scene
 * fails that has not run all of its own.
 */
export const whoRuns: Record<Page, Record<string, Who>> = {
  'docs/deploy.md': {
    'first order': by('first-order'),
    'login page': by('settings-dev'),
    'stripe secrets': by('page-prod'),
    prod: by('page-prod'),
    'first application': by('page-dev'),
    metrics: by('page-dev'),
    'npm ci': by('page-dev'),
    'npx cdk bootstrap': by('page-dev'),
    'npx cdk deploy --all -c profile=dev': by('page-dev'),
    'npx cdk diff': by('page-dev'),
    'npx cdk deploy --all -c profile=dev --concurrency 4 --require-approval never': by('page-dev'),
    'aws lambda invoke --function-name counterfoil-<stage>-jobs-migrate /dev/stdout': by('page-dev'),
    "aws logs filter-log-events --log-group-name /counterfoil/dev/jobs/migrate --query 'events[].message' --output text":
      by('page-dev'),
    'npm run migrate -- status': by('page-dev'),
    'npm run migrate -- down': by('page-dev'),
    'npm run cost -- --profile small --orders-per-day 20': by('page-dev'),
    'npm run cost -- --prometheus 5': by('page-dev'),
    'npx cdk destroy --all -c profile=dev': by('page-dev'),
    'aws sesv2 create-email-identity --email-identity shop@example.com': by('page-prod'),
    'npm run preflight -- -c profile=prod …': by('page-prod'),
    'npm run release -- --stage prod --to v1.2.3': by('page-prod'),
    'git switch --detach v1.2.3 && npm ci && npx cdk deploy --all …': by('page-prod'),
    'npx cdk deploy --all -c canary=off …': by('page-prod'),
    'the end of prod': by('page-prod'),
    'npm run preflight': named,
    'npm run release': named,
    'npm run data': named,
    'npm run test:deploy': not('starts the scenes'),
    'npm run test:e2e -- --url "$API" --app-key …': wholeSuite,
    'npm run test:e2e -- --url https://….execute-api.….amazonaws.com': wholeSuite,
  },
  'docs/releases.md': {
    'npm version --no-git-tag-version X.Y.Z && npm run docs': by('page-prod'),
    'npm run lint:api -- --record': by('page-prod'),
    'npm run record:lasting': by('page-prod'),
    'npm run record:properties': by('page-prod'),
    'a release in parts': by('page-prod'),
    'npm run release -- --stage prod --to v1.2.3': by('page-prod'),
    '.ci/diff COMMIT': by('page-prod'),
    'npm run diff -- BEFORE AFTER': by('page-prod'),
    "npx cdk deploy --app 'sh infra/node24.sh node infra/pipeline.ts' -c repository=OWNER/NAME -c stage=staging":
      by('page-prod'),
    'npx cdk bootstrap --cloudformation-execution-policies …': by('page-prod'),
    'npm run release': named,
    "npm run release -- --stage staging -c mailFrom='The Shop <shop@example.com>'": not(
      'begins with npm test and ends with the whole end-to-end suite: test/unit/release.test.ts runs its steps, and the scenes back and page-prod those between',
    ),
    'npm run lint:api': eachChange,
    'npm run check': eachChange,
    'npm test': eachChange,
    '.ci/run': eachChange,
    'npm run soak': not('takes hours: the nightly workflow runs it'),
    'npm run test:examples -- --screenshots': not('makes pictures in a browser, for a person to look at'),
    'git tag --sign vX.Y.Z': not('needs the key of who makes the release'),
    'gh attestation verify FILE --repo OWNER/NAME': not('asks GitHub, as .github/workflows/deploy.yml does'),
    'npm run migrate -- down --to 1': not('is of a release that is made up; page-dev runs npm run migrate -- down'),
    'npm run migrate -- down --to 2': not('is of a release that is made up; page-dev runs npm run migrate -- down'),
    'npm ci && npm start': laptop,
    'npm start -- --reset': laptop,
  },
};
