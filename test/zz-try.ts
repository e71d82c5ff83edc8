import postgres from 'postgres';
import { startPostgres } from '../infra/local/postgres/start.ts';
import { loadCertificate } from '../infra/local/certificate.ts';
import { startRdsProxy } from '../infra/local/rds-proxy/server.ts';
import { Signer } from '@aws-sdk/rds-signer';
const p = await startPostgres({ dataDir: '/tmp/try/d1' });
const c = await loadCertificate('/tmp/try/cert');
const x = await startRdsProxy({host:'localhost', region:'eu', cert:c.cert,key:c.key,backendSocketPath:p.socketPath,principals:()=>({secretAccessKey:'x',dbUsers:['migrator']}), log: console.log});
const pw = () => new Signer({hostname:'localhost',port:x.port,region:'eu',username:'migrator',credentials:{accessKeyId:'A',secretAccessKey:'x'}}).getAuthToken();
for (const o of [{host:p.socketDir}, {host:'localhost',port:x.port,password:pw,ssl:{ca:c.ca,servername:'localhost'}}]) {
const mk = () => postgres({ ...o, user:'migrator', database:'counterfoil', max:1, prepare:false, fetch_types:false } as any);
const a = mk(), b = mk();
const [r] = await b`select pg_backend_pid() as pid`;
const s = b`select pg_sleep(60)`.catch(e=>e.code);
await new Promise(r=>setTimeout(r,100));
await a`select pg_terminate_backend(${r!.pid})`;
console.log(await s); await b.end(); await a.end(); console.log('ended');
}
const b = postgres({host:'localhost',port:x.port,password:pw,ssl:{ca:c.ca,servername:'localhost'}, user:'migrator', database:'counterfoil', max:1, prepare:false, fetch_types:false } as any);
await b`select 1`; const s = b`select pg_sleep(60)`.catch(e=>e.code);
await x.stop(); console.log('stopped'); console.log(await s); 
console.log('ending'); await Promise.race([b.end(), new Promise(r=>setTimeout(r,1000))]); console.log('end');
await p.stop(); process.exit();
