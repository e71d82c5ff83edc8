const t0=performance.now();
const { App } = await import('aws-cdk-lib'); const lambda = await import('aws-cdk-lib/aws-lambda'); const { readFileSync } = await import('node:fs');
const { counterfoil } = await import('./stage.ts'); const { readSettings } = await import('./profiles.ts');
console.log('import', performance.now()-t0);
const cdk = JSON.parse(readFileSync('cdk.json','utf8'));
for (const extra of [{}, {}, {'@aws-cdk/core:validateAgainstDefaultRules': false}, {'@aws-cdk/core:enableAdditionalMetadataCollection': false, 'aws:cdk:disable-stack-trace': true, 'aws:cdk:enable-path-metadata': false}]) {
const t=performance.now();
const app = new App({ context: { ...cdk.context, ...extra, profile:'dev' }, outdir: '/tmp/zzout' });
counterfoil(app, readSettings(app.node), () => lambda.Code.fromInline('exports.handler = async () => {}'));
const c=performance.now()-t; app.synth(); console.log(extra, c, performance.now()-t);
}
