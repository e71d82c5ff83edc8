import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { Damaged, WrongKey } from './errors.ts';

/*
 * Encryption of stored files: AES-256-GCM in chunks, by the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár,
 * 2015). Each file has a key of its own, derived from the key file, a random salt and the file's name. The nonce of a
 * chunk is its number and whether it is the last one, so chunks cannot be changed, swapped, left out or cut off, and no
 * file can take another's place.
 *
 *   "CFSEAL1\n" | salt, 32 bytes | ciphertext of up to 64 KiB, tag of 16 bytes | …
 */

const magic = Buffer.from('CFSEAL1\n');
const saltBytes = 32;
const chunkBytes = 65_536;
const tagBytes = 16;

/** Encrypts a stream. `name` is bound to it: it can only be read under the same. */
export function seal(key: Buffer, name: string): Transform {
  const salt = randomBytes(saltBytes);
  const fileKey = deriveKey(key, salt, name);
  let number = 0;
  const encrypt = (plain: Buffer, last: boolean): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', fileKey, nonceOf(number++, last));
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  const sealed = inChunks(chunkBytes, encrypt);
  sealed.push(Buffer.concat([magic, salt]));
  return sealed;
}

/** Decrypts what `seal` made. Nothing comes out that is not authentic. Errors: Damaged */
export function unseal(key: Buffer, name: string): Transform {
  const head = magic.length + saltBytes;
  let header: Buffer = Buffer.alloc(0);
  let fileKey: Buffer | undefined;
  let number = 0;
  const decrypt = (sealed: Buffer, last: boolean): Buffer => {
    if (fileKey === undefined || sealed.length < tagBytes) throw damaged(name);
    const decipher = createDecipheriv('aes-256-gcm', fileKey, nonceOf(number++, last));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
    } catch (cause) {
      throw damaged(name, cause);
    }
  };
  const body = inChunks(chunkBytes + tagBytes, decrypt);
  const write = body._transform;
  body._transform = (chunk: Buffer, encoding, done) => {
    if (fileKey !== undefined) return write.call(body, chunk, encoding, done);
    header = Buffer.concat([header, chunk]);
    if (header.length < head) return done();
    if (!header.subarray(0, magic.length).equals(magic)) return done(damaged(name));
    fileKey = deriveKey(key, header.subarray(magic.length, head), name);
    write.call(body, header.subarray(head), encoding, done);
  };
  return body;
}

/** Proves that a text was written by someone who has the key. */
export const authenticate = (key: Buffer, text: string): string =>
  createHmac('sha256', Buffer.from(hkdfSync('sha256', key, '', 'counterfoil backup manifest', 32)))
    .update(text)
    .digest('hex');

/** Writes a new key that only this user may read. An existing file is not replaced. Throws WrongKey. */
export async function makeKeyFile(file: string): Promise<void> {
  await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' }).catch((cause) => {
    if (cause.code === 'EEXIST') throw new WrongKey(`${file} exists, and was not replaced.`, { cause });
    throw cause;
  });
}

/** The 32 bytes of a key file. Throws WrongKey. */
export async function readKeyFile(file: string): Promise<Buffer> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new WrongKey(`The key file ${file} cannot be read (${cause.code}).`, { cause });
  });
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== 32) throw new WrongKey(`${file} is no key file: it must hold 32 bytes in base64.`);
  return key;
}

const deriveKey = (key: Buffer, salt: Buffer, name: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, `counterfoil backup file ${name}`, 32));

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 3);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

const damaged = (name: string, cause?: unknown): Damaged =>
  new Damaged(`${name} is damaged, was changed, or was encrypted with another key.`, { cause });

/** Calls `convert` with pieces of a fixed size; the last one, which may be shorter or empty, is marked. */
function inChunks(size: number, convert: (piece: Buffer, last: boolean) => Buffer): Transform {
  let held: Buffer[] = [];
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      held.push(chunk);
      length += chunk.length;
      if (length <= size) return done();
      try {
        let rest = Buffer.concat(held);
        // The last piece is held back until the end: only then is it known to be the last.
        for (; rest.length > size; rest = rest.subarray(size)) this.push(convert(rest.subarray(0, size), false));
        held = [rest];
        length = rest.length;
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        done(null, convert(Buffer.concat(held), true));
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
