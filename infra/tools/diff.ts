import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeDiffs, type StackDiff, type Template } from '../release/template-diff.ts';

const usage = `npm run diff -- BEFORE AFTER [--stage NAME] [--output FILE]

Compares two folders that cdk synth wrote, without AWS, and prints what a change does to the stacks, as Markdown.

  --stage   how it calls the stage (the last part of AFTER)
  --output  also writes it to this file`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { stage: { type: 'string' }, output: { type: 'string' } },
});

async function main(): Promise<number> {
  const [before, after, ...rest] = positionals;
  if (before === undefined || after === undefined || rest.length > 0) {
    console.error(usage);
    return 2;
  }
  for (const folder of [before, after]) {
    if (existsSync(join(folder, 'manifest.json'))) continue;
    console.error(`${folder} is no folder of cdk synth.`);
    return 2;
  }
  const names = new Set(
    [before, after].flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith(ending))),
  );
  const diffs: StackDiff[] = [];
  for (const name of [...names].toSorted()) diffs.push(await compare(name, before, after));
  const text = describeDiffs(values.stage ?? after.split('/').filter(Boolean).at(-1)!, diffs);
  console.log(text);
  if (values.output !== undefined) await writeFile(values.output, `${text}\n`);
  return 0;
}

const ending = '.template.json';

async function compare(name: string, before: string, after: string): Promise<StackDiff> {
  const [old, next] = [read(join(before, name)), read(join(after, name))];
  const diff = { stack: name.replace(ending, ''), ...(old && { before: old }), ...(next && { after: next }) };
  if (old === undefined || next === undefined || JSON.stringify(old) === JSON.stringify(next)) return diff;
  return { ...diff, text: await cdkDiff(stackOf(name, after), join(before, name), after) };
}

const read = (file: string): Template | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Template) : undefined;

/** The stack whose template is in this file: the CLI selects by id, and a file is called after the construct. */
function stackOf(file: string, folder: string): string {
  const { artifacts } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { properties?: { templateFile?: string }; displayName?: string }>;
  };
  const [id, artifact] = Object.entries(artifacts).find(([, { properties }]) => properties?.templateFile === file)!;
  return artifact.displayName ?? id;
}

async function cdkDiff(stack: string, template: string, app: string): Promise<string> {
  const args = [
    '--no-install',
    'cdk',
    'diff',
    stack,
    '--exclusively',
    '--app',
    app,
    '--template',
    template,
    '--no-color',
  ];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile('npx', args, { maxBuffer: 64 * 1024 * 1024 }, (error, out, errors) =>
    error === null ? resolve(`${out}${errors}`) : reject(new Error(`cdk diff ${stack}: ${errors}`, { cause: error })),
  );
  return (await promise)
    .split('\n')
    .filter((line) => !/^(✨|NOTICES|\s*$)/.test(line))
    .join('\n');
}

process.exitCode = await main();
