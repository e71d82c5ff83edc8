import { generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/** The private key that the provider signs with, kept in a file so that its tokens outlive a restart. */
export async function loadSigningKey(file: string): Promise<JsonWebKey> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JsonWebKey;
  } catch {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256', use: 'sig' };
    await writeFile(file, JSON.stringify(key), { mode: 0o600 });
    return key;
  }
}
