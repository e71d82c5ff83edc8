import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { Damaged, WrongKey } from '../../infra/local/backup/errors.ts';
import { makeKeyFile, readKeyFile, seal, unseal } from '../../infra/local/backup/seal.ts';

const key = randomBytes(32);
const chunk = 65_536;

const sealed = (plain: Buffer, name = 'a', by = key) => buffer(Readable.from(pieces(plain)).pipe(seal(by, name)));
const opened = (bytes: Buffer, name = 'a', by = key) => buffer(Readable.from(pieces(bytes)).pipe(unseal(by, name)));

function* pieces(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 10_007) yield bytes.subarray(at, at + 10_007);
}

test.each([0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk])(
  '%i bytes come back, and cannot be read without the key',
  async (size) => {
    const plain = randomBytes(size);
    const stored = await sealed(plain);
    expect((await opened(stored)).equals(plain)).toBe(true);
    if (size > 16) expect(stored.includes(plain.subarray(0, 16))).toBe(false);
    await expect(opened(stored, 'a', randomBytes(32))).rejects.toThrow(Damaged);
  },
);

test('the same file is never encrypted the same way twice', async () => {
  const [one, other] = [await sealed(Buffer.from('x')), await sealed(Buffer.from('x'))];
  expect(one.equals(other)).toBe(false);
});

test('nothing comes out of a file that was changed, cut off, extended, reordered or renamed', async () => {
  const head = 40;
  const whole = chunk + 16;
  const stored = await sealed(randomBytes(3 * chunk + 5));
  const flipped = Buffer.from(stored);
  flipped[head + whole + 7]! ^= 1;
  const [first, second, rest] = [head, head + whole, head + 2 * whole];
  const swapped = Buffer.concat([
    stored.subarray(0, first),
    stored.subarray(second, rest),
    stored.subarray(first, second),
    stored.subarray(rest),
  ]);
  const cases = {
    flipped,
    swapped,
    'cut off at a chunk': stored.subarray(0, rest),
    'cut off in the header': stored.subarray(0, 20),
    extended: Buffer.concat([stored, Buffer.from([0])]),
    empty: Buffer.alloc(0),
  };
  for (const [name, bytes] of Object.entries(cases)) await expect(opened(bytes), name).rejects.toThrow(Damaged);
  await expect(opened(stored, 'b')).rejects.toThrow(Damaged);
});

test('a key file is made once, for its owner alone, and anything else is refused as one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'backup-key-'));
  try {
    const file = join(folder, 'key');
    await makeKeyFile(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const made = await readKeyFile(file);
    await expect(makeKeyFile(file)).rejects.toThrow(WrongKey);
    expect((await readKeyFile(file)).equals(made)).toBe(true);
    await writeFile(file, 'a password\n');
    await expect(readKeyFile(file)).rejects.toThrow('is no key file');
    await expect(readKeyFile(join(folder, 'none'))).rejects.toThrow(WrongKey);
  } finally {
    await rm(folder, { recursive: true });
  }
});
