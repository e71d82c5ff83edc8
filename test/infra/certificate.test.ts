import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadCertificate } from '../../infra/local/certificate.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificate-test-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('the certificate of the local stack is stored, and only its owner can read its key', async () => {
  const certificate = await loadCertificate(join(folder, 'certificate'));
  expect(await loadCertificate(join(folder, 'certificate'))).toEqual(certificate);
  expect((await stat(join(folder, 'certificate/key.pem'))).mode & 0o777).toBe(0o600);
  expect(await readFile(certificate.caFile, 'utf8')).toBe(certificate.ca);
});

test('it is made again in its last week', async () => {
  const dir = join(folder, 'aging');
  const first = await loadCertificate(dir);
  const inDays = (days: number) => Date.now() + days * 86_400_000;
  expect((await loadCertificate(dir, inDays(357))).cert).toBe(first.cert);
  expect((await loadCertificate(dir, inDays(359))).cert).not.toBe(first.cert);
});

test('it is made again when a file is damaged', async () => {
  const dir = join(folder, 'damaged');
  const first = await loadCertificate(dir);
  await writeFile(join(dir, 'key.pem'), 'nothing');
  expect((await loadCertificate(dir)).key).not.toBe(first.key);
});
