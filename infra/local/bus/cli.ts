import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BusStore } from './store.ts';

const usage = `npm run events -- parked|redrive [--directory .local]

  parked    lists the events that no consumer took on this laptop, and why
  redrive   delivers them again; a running stack does so within a second

On AWS such events wait in a queue: docs/runbooks/events-undelivered.md.
`;

function main(): number {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { directory: { type: 'string', default: '.local' } },
  });
  const [command] = positionals;
  if (positionals.length !== 1 || (command !== 'parked' && command !== 'redrive')) {
    console.error(usage);
    return 2;
  }
  const file = join(values.directory, 'events.sqlite');
  if (!existsSync(file)) {
    console.error(`There is no ${file}: start the stack once with npm start.`);
    return 1;
  }
  const store = new BusStore(file);
  try {
    if (command === 'redrive') {
      console.log(`${store.redrive(0)} events will be delivered again`);
      return 0;
    }
    const parked = store.parked();
    for (const { rule, event, attempts, error } of parked) {
      const { 'detail-type': type, detail } = JSON.parse(event) as { 'detail-type': string; detail: { id?: string } };
      console.log(
        `${detail.id ?? 'an event without id'}  ${type}  for ${rule}, ${attempts} attempts: ${error.replace(/\s+/g, ' ')}`,
      );
    }
    if (parked.length === 0) console.log('No event is parked.');
    return 0;
  } finally {
    store.close();
  }
}

process.exitCode = main();
