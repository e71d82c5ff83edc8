// Prints what importing one module costs this process, in milliseconds: by the clock, and of processor time.
const file = process.argv[2];
const cpu = process.cpuUsage();
const startedAt = performance.now();
await import(file);
const wall = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(JSON.stringify({ wall, cpu: (user + system) / 1000 }), () => process.exit(0));
