import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type AppProps } from 'aws-cdk-lib';

/** Makes an app for what can be read from it, and nothing else: CDK makes a folder for each, and keeps it. */
export function withThrowawayApp<T>(props: Omit<AppProps, 'outdir'>, read: (app: App) => T): T {
  const outdir = mkdtempSync(join(tmpdir(), 'counterfoil-cdk-'));
  try {
    return read(new App({ analyticsReporting: false, ...props, outdir }));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
