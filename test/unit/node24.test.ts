import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

let clone: string;
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'counterfoil-node24-'));
  for (const file of ['package.json', '.npmrc', 'infra/node24.sh']) cpSync(join(root, file), join(clone, file));
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

const run = (command: string, args: string[], PATH = process.env.PATH) =>
  spawnSync(command, args, { cwd: clone, encoding: 'utf8', env: { ...process.env, PATH } });
const sentence = "Counterfoil's packages are not installed: run npm ci first.\n";

describe('in a clone without packages', () => {
  test('npm start says in one sentence to run npm ci', () => {
    const { status, stderr } = run('npm', ['start', '--silent']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: sentence });
  });

  test('an installation that stopped half-way is none', () => {
    mkdirSync(join(clone, 'node_modules/postgres'), { recursive: true });
    const { status, stderr } = run('sh', ['infra/node24.sh', 'true']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: sentence });
  });

  test.each(Object.entries(scripts))('npm run %s says so too', (_, command) => {
    expect(command).toMatch(/^(sh infra\/node24\.sh |npm run )/);
  });
});

describe('with packages', () => {
  beforeEach(() => {
    mkdirSync(join(clone, 'node_modules'));
    writeFileSync(join(clone, 'node_modules/.package-lock.json'), '{}');
  });

  test('the command runs with its arguments, and its exit code is the answer', () => {
    const { status, stdout } = run('sh', ['infra/node24.sh', 'sh', '-c', 'echo "$1"; exit 7', 'name', 'two words']);
    expect({ status, stdout }).toEqual({ status: 7, stdout: 'two words\n' });
  });

  test('without a Node 24 it says which one is needed', () => {
    const bin = join(clone, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'node'), '#!/bin/sh\nexit 1\n');
    chmodSync(join(bin, 'node'), 0o755);
    const { status, stderr } = run('sh', ['infra/node24.sh', 'true'], `${bin}:${process.env.PATH}`);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'Counterfoil needs Node 24: install it, or run npm ci again without --omit=optional.\n',
    });
  });
});
