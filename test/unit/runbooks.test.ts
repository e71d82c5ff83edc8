import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const folder = new URL('../../docs/runbooks/', import.meta.url);
const pages = readdirSync(folder).filter((file) => file !== 'README.md');
const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** Commands of the AWS CLI that pages begin with, each looked up in its reference. */
const awsCommands = new Set([
  'backup list-restore-jobs',
  'cloudwatch describe-alarms',
  'cloudwatch get-metric-statistics',
  'health describe-events',
  'lambda get-account-settings',
  'lambda invoke',
  'logs start-query',
  'logs tail',
  'rds describe-events',
  'sqs receive-message',
  'stepfunctions list-executions',
]);

const migrations = new URL('../../lib/database/migrations/', import.meta.url);
const schema = readdirSync(migrations)
  .filter((file) => file.endsWith('.up.sql'))
  .map((file) => readFileSync(new URL(file, migrations), 'utf8'))
  .join('\n');

/** Why a page's first command cannot be run; undefined when it can. */
function mistakeIn(page: string): string | undefined {
  const section = /^## Run first\n([\s\S]*?)^## /m.exec(page)?.[1];
  if (section === undefined) return 'has no section "Run first"';
  const [, language, text] = /^```(\w+)\n([\s\S]*?)^```/m.exec(section) ?? [];
  if (text === undefined) return 'says to run nothing';
  return language === 'sql' ? mistakeInSql(text) : mistakeInShell(text);
}

function mistakeInShell(text: string): string | undefined {
  const [, command] =
    /(?:^|\s|\$\()((?:aws|npm|curl)\s[^\n]*)/.exec(text.replace(/^\s*#.*$/gm, '').replaceAll('\\\n', ' ')) ?? [];
  if (command === undefined) return 'begins with no command of aws, npm or curl';
  const [program, first, second] = command.split(/\s+/);
  if (program === 'curl') return undefined;
  if (program === 'npm') return first === 'run' && second! in scripts ? undefined : `has no script ${second}`;
  return awsCommands.has(`${first} ${second}`) ? undefined : `aws ${first} ${second} is not known`;
}

/** Names with a schema must be of the migrations; the others PostgreSQL's own. */
function mistakeInSql(text: string): string | undefined {
  const named = [...text.matchAll(/\b(?:from|join)\s+([a-z_]+(?:\.[a-z_]+)?)/g)].map(([, name]) => name!);
  if (named.length === 0) return 'asks nothing';
  const unknown = named.find(
    (name) =>
      !(name.includes('.') ? new RegExp(`\\b${name.replace('.', '\\.')}\\b`).test(schema) : name.startsWith('pg_')),
  );
  return unknown === undefined ? undefined : `there is no ${unknown}`;
}

test.each(pages)('%s begins with a command that exists', (page) => {
  expect(mistakeIn(readFileSync(new URL(page, folder), 'utf8'))).toBeUndefined();
});

describe('a first command that does not exist is found out', () => {
  const page = (block: string) => `# X\n\n## Run first\n\n${block}\n\n## What it means\n`;
  test.each([
    ['none', 'Look at the dashboard.'],
    ['a script that is none', '```sh\nnpm run docter\n```'],
    ['a command that AWS has not', '```sh\naws logs tale x\n```'],
    ['a table that is none', '```sql\nselect 1 from monitor.chekcs;\n```'],
  ])('%s', (_, block) => expect(mistakeIn(page(block))).toBeDefined());
});
