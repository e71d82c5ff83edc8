import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

const usage = `npm run containers -- secrets [FOLDER]   make the secrets of compose.yaml in .secrets, unless they are there
npm run containers -- image FOLDER       lay out the files of the image without an engine, as the Dockerfile says`;

const root = resolve(import.meta.dirname, '../..');

/** @returns the exit code: 0 done, 2 invalid command line */
async function main([command, folder, ...more]: string[]): Promise<number> {
  if (more.length === 0 && command === 'secrets') return makeSecrets(resolve(folder ?? join(root, '.secrets')));
  if (more.length === 0 && command === 'image' && folder !== undefined) return layOut(resolve(folder));
  console.error(usage);
  return 2;
}

/** What exists stays: the database has it. Containers read the files as another user; the folder keeps others out. */
async function makeSecrets(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made: string[] = [];
  const make = async (name: string, value: string): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, value, { flag: 'wx', mode: 0o444 })
      .then(() => made.push(name))
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    return (await readFile(file, 'utf8')).trim();
  };
  await make('stage', randomBytes(32).toString('hex'));
  const password = await make('postgres', randomBytes(24).toString('hex'));
  await make('admin', `postgres://postgres:${password}@database:5432/postgres`);
  console.log(made.length === 0 ? `${folder} has every secret already.` : `Made ${made.join(', ')} in ${folder}.`);
  return 0;
}

/** Runs what the Dockerfile runs and copies what it copies, so that a forgotten file is found without an engine. */
async function layOut(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  let stage = '';
  for (const line of (await readFile(join(root, 'Dockerfile'), 'utf8')).split('\n')) {
    const [word, ...rest] = line.split(/\s+/);
    if (word === 'FROM') stage = rest.at(-1) === 'packages' ? 'packages' : 'image';
    if (word === 'RUN') {
      const [install] = rest.join(' ').split(' && ');
      execFileSync('sh', ['-c', install!], { cwd: folder, stdio: 'inherit' });
    }
    const copied = rest.filter((argument) => !argument.startsWith('--'));
    // Packages are installed where they stay.
    if (word !== 'COPY' || line.includes('--from=packages')) continue;
    const target = copied.pop()!;
    for (const source of copied) {
      const to = target.endsWith('/') ? join(folder, target, source.split('/').at(-1)!) : join(folder, target);
      await mkdir(dirname(to), { recursive: true });
      await cp(join(root, source), to, { recursive: true });
    }
  }
  console.log(`${folder} has the files of the ${stage}.`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
