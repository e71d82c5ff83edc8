/** Stands in for the AWS SDK's event streams in a bundle: loading it fails, with the reason. */
throw new Error('this bundle has no event streams: see infra/bundle/lean-start.ts');

export {};
