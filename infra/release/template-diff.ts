/** Of a stack: its template before and after, and what `cdk diff` says of them; undefined where there is none. */
export type StackDiff = { stack: string; before?: Template; after?: Template; text?: string };
export type Template = { Resources?: Record<string, { Type: string; Properties?: Record<string, unknown> }> };

/** The most that a comment of GitHub or a note of GitLab may have, with room for what stands around it. */
const most = 60_000;

/**
 * What a change does to the stacks of a stage, for a comment: which of them change, what is replaced or goes, which migrations
 * run, and the differences, cut where a comment would be too long.
 */
export function describeDiffs(stage: string, diffs: readonly StackDiff[]): string {
  const changed = diffs.filter(isChanged);
  const head = [
    `### ${stage}: ${changed.length === 0 ? 'no stack changes' : `${changed.length} of ${diffs.length} stacks change`}`,
    '',
    `- Migrations: ${migrationsOf(diffs)}`,
    ...changed.flatMap((diff) => alarming(diff).map((line) => `- **${line}**`)),
    '',
  ];
  let left = most - head.join('\n').length;
  const parts = changed.map((diff) => {
    const text = diff.text ?? (diff.before === undefined ? 'A new stack.' : 'The stack is gone: `cdk destroy` it.');
    const shown = text.length <= left ? text : `${text.slice(0, Math.max(0, left))}\n… cut: the artefact has all of it`;
    left -= shown.length;
    return `<details><summary>${diff.stack}</summary>\n\n\`\`\`\n${shown.replaceAll('```', "'''")}\n\`\`\`\n\n</details>\n`;
  });
  return [...head, ...parts].join('\n');
}

const isChanged = ({ before, after }: StackDiff): boolean => JSON.stringify(before) !== JSON.stringify(after);

/** The lines of a difference that nobody should overlook. */
function alarming({ stack, before, after, text = '' }: StackDiff): string[] {
  if (after === undefined) return [`${stack} is gone`];
  if (before === undefined) return [];
  return text
    .split('\n')
    .filter((line) => /\b(replace|destroy|orphan)\b/.test(line) && /^\[[-~+]/.test(line))
    .map((line) => `${stack}: ${line.replaceAll('*', '\\*')}`);
}

/** CloudFormation asks for the migrations where their names or texts changed, and only there. */
function migrationsOf(diffs: readonly StackDiff[]): string {
  const [old, next] = [newestOf(diffs, 'before'), newestOf(diffs, 'after')];
  if (old.content === next.content) return 'none; the database is left alone';
  if (old.newest === undefined) return `all to ${next.newest}, in a new database`;
  return old.newest === next.newest
    ? `the files up to ${next.newest} changed`
    : `from ${old.newest} to ${next.newest}, before new code serves`;
}

function newestOf(diffs: readonly StackDiff[], when: 'before' | 'after'): { newest?: unknown; content?: unknown } {
  const resources = diffs.flatMap((diff) => Object.values(diff[when]?.Resources ?? {}));
  const { Newest: newest, Content: content } =
    resources.find(({ Type }) => Type === 'Custom::CounterfoilMigrations')?.Properties ?? {};
  return { newest, content };
}
