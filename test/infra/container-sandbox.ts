import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/*
 * What an engine does to a process of the image, without one: its files at /app, Node at /nodejs/bin/node, nothing else of this machine but
 * the libraries of Node; a root file system that nobody can write to; the user of the image without a capability; `/tmp` in memory; `/data`
 * and the secrets as volumes. It needs the rights of root.
 */

export type Sandbox = { command: (args: readonly string[]) => [string, string[]]; data: string; secrets: string };
const user = 65532;

export const canSandbox = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;

export async function makeSandbox(image: string, folder: string): Promise<Sandbox> {
  const [root, data, secrets] = [join(folder, 'root'), join(folder, 'volume'), join(folder, 'secrets')];
  for (const made of [root, data, secrets]) await mkdir(made, { recursive: true });
  await chown(data, user, user);
  await chmod(data, 0o700);
  const script = join(folder, 'sandbox.sh');
  await writeFile(
    script,
    `set -e
root=$1; image=$2; data=$3; secrets=$4; node=$5; shift 5
mount -t tmpfs none "$root"
cd "$root"
mkdir -p home/nonroot app nodejs/bin data run/secrets tmp proc dev etc lib lib64 usr/lib
touch nodejs/bin/node
bind() { mount --rbind "$1" "$2"; mount -o remount,ro,bind "$2"; }
bind "$image" app; bind "$node" nodejs/bin/node; bind "$secrets" run/secrets; bind /etc etc
for libraries in lib lib64 usr/lib; do [ ! -d "/$libraries" ] || bind "/$libraries" "$libraries"; done
mount --bind "$data" data; mount -t tmpfs none tmp; chmod 1777 tmp
mount --rbind /dev dev; mount --rbind /proc proc
mount -o remount,ro none "$root"
export HOME=/home/nonroot
exec chroot --userspec=${user}:${user} --groups= "$root" /nodejs/bin/node -e '
  process.chdir("/app");
  process.execve(process.execPath, [process.execPath, ...process.argv.slice(1)], process.env);' -- "$@"
`,
  );
  const command = (args: readonly string[]): [string, string[]] => [
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', script, root, image, data, secrets, process.execPath, ...args],
  ];
  return { command, data, secrets };
}
