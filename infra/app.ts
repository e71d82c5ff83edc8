import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { BundleError, bundleHandlers } from './bundle/bundle.ts';
import { handlerSources } from './handlers.ts';
import { checkApprovals, DataLossNotApproved } from './migration-lint/approvals.ts';
import { readSettings, SettingError } from './settings.ts';
import { counterfoil } from './stage.ts';

const outdir = await mkdtemp(join(tmpdir(), 'counterfoil-bundles-'));
try {
  const app = new App();
  const settings = readSettings(app.node);
  if (settings.profile.keeps) checkApprovals(settings.approvedDataLoss);
  const bundles = await bundleHandlers(handlerSources(), outdir);
  counterfoil(app, settings, (handler) => lambda.Code.fromAsset(bundles.get(handler)!.directory));
  app.synth();
} catch (error) {
  const known = [SettingError, BundleError, DataLossNotApproved].some((kind) => error instanceof kind);
  if (!known) throw error;
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await rm(outdir, { recursive: true, force: true });
}
