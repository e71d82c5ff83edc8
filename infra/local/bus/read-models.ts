import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { readModelSource, readModelsDue } from '../../../lib/contract/events/define-event.ts';
import { modelNames } from '../../../lib/events/read-models/update.ts';
import { BusStore } from './store.ts';

const usage = `npm run read-models -- rebuild MODEL [--directory .local | --bus NAME]

  rebuild   builds a read model anew from the first event, beside the one that is read, and swaps the two

MODEL is ${modelNames.join(' or ')}. It asks the stack on this laptop, which does so while it runs, or with --bus the stage whose event
bus has that name, such as counterfoil-prod, in AWS_REGION with your AWS credentials. See docs/events.md.`;

/** The command line is not valid, or cannot be carried out. The message is one sentence. */
class Refused extends Error {
  override readonly name = 'Refused';
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { directory: { type: 'string', default: '.local' }, bus: { type: 'string' } },
  });
  const [command, model = ''] = positionals;
  if (command !== 'rebuild' || positionals.length !== 2 || !(modelNames as string[]).includes(model)) {
    throw new Refused(usage);
  }
  const detail = { rebuild: model };
  if (values.bus === undefined) askLaptop(values.directory, detail);
  else await askStage(values.bus, detail);
  console.log(`The rebuild of ${model} is on its way. The job’s log says when it has ended: rebuilding is false then.`);
}

/** Puts the message where the stack's event bus keeps what it has to deliver. */
function askLaptop(directory: string, detail: object): void {
  const file = join(directory, 'events.sqlite');
  if (!existsSync(file)) throw new Refused(`There is no ${file}: start the stack once with npm start.`);
  const store = new BusStore(file);
  try {
    const event = { source: readModelSource, 'detail-type': readModelsDue, detail };
    store.add([{ rule: 'update-read-models', event: JSON.stringify(event), due: 0 }]);
  } finally {
    store.close();
  }
}

async function askStage(bus: string, detail: object): Promise<void> {
  const entry = {
    EventBusName: bus,
    Source: readModelSource,
    DetailType: readModelsDue,
    Detail: JSON.stringify(detail),
  };
  const { Entries = [] } = await new EventBridgeClient({}).send(new PutEventsCommand({ Entries: [entry] }));
  if (Entries[0]?.EventId === undefined) throw new Refused(`The bus ${bus} refused: ${Entries[0]?.ErrorMessage}`);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof Refused && error.message === usage ? 2 : 1;
});
