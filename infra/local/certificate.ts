import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Certificate = {
  /** Path of the CA's certificate, for NODE_EXTRA_CA_CERTS and the like. */
  caFile: string;
  /** PEM, as the two after it. */
  ca: string;
  cert: string;
  key: string;
};

const day = 86_400_000;

/**
 * The local stack's certificate for `localhost`, 127.0.0.1 and ::1. It is signed by a CA whose key is not stored. It is
 * valid for a year, and made again when it is missing, damaged or expires within 7 days.
 */
export async function loadCertificate(dir: string, now: number = Date.now()): Promise<Certificate> {
  const files = { ca: join(dir, 'ca.pem'), cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
  const kept = await readKept(files, now);
  if (kept) return { caFile: files.ca, ...kept };
  const made = await makeCertificate(now);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeAtOnce(files.key, made.key, 0o600);
  await writeAtOnce(files.cert, made.cert, 0o600);
  await writeAtOnce(files.ca, made.ca, 0o600);
  return { caFile: files.ca, ...made };
}

type Pems = { ca: string; cert: string; key: string };

async function readKept(files: Pems, now: number): Promise<Pems | undefined> {
  try {
    const [ca, cert, key] = await Promise.all([files.ca, files.cert, files.key].map((file) => readFile(file, 'utf8')));
    const leaf = new X509Certificate(cert!);
    const fits = leaf.verify(new X509Certificate(ca!).publicKey) && leaf.checkPrivateKey(createPrivateKey(key!));
    const lasts = Date.parse(leaf.validTo) - now > 7 * day && Date.parse(leaf.validFrom) <= now;
    return fits && lasts ? { ca: ca!, cert: cert!, key: key! } : undefined;
  } catch {
    return undefined;
  }
}

async function makeCertificate(now: number): Promise<Pems> {
  const { generate } = await import('selfsigned'); // Slow to load, and needed once a year.
  const common = {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - day), // The clocks of containers differ a little.
    notAfterDate: new Date(now + 365 * day),
  } as const;
  const ca = await generate([{ name: 'commonName', value: 'Counterfoil local CA' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...common,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { ca: ca.cert, cert: leaf.cert, key: leaf.private };
}

async function writeAtOnce(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, text, { mode });
  await rename(draft, file);
}
