import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const rounds = 4096;

/** What PostgreSQL stores of a password (RFC 5802), of which nobody learns the password. Of letters, digits and `+/=:$-` alone. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest();
  return `SCRAM-SHA-256$${rounds}:${base64(salt)}$${base64(stored)}:${base64(hmac('Server Key'))}`;
}

const base64 = (bytes: Buffer): string => bytes.toString('base64');
