import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export type AccessLines = {
  /** Adds a line that a handler has printed. */
  add(line: string): void;
  /** Resolves when every line that was added so far is delivered, or after so many milliseconds. */
  settle(timeoutMs: number): Promise<void>;
  /** Delivers what is left for at most half a second, then ends. */
  stop(): Promise<void>;
};

type Options = {
  /** Delivers a batch in the format of CloudWatch Logs. Rejects when the batch was not stored. */
  deliver: (payload: { awslogs: { data: string } }) => Promise<unknown>;
  log?: (line: string) => void;
  /** Milliseconds between two batches. */
  every?: number;
};

const mostInBatch = 500;
/** More than a laptop makes in an hour without its database. Later lines are in functions.log only. */
const mostKept = 200_000;
const longestPause = 5_000;

const zip = promisify(gzip);

/**
 * The subscription of CloudWatch Logs on a laptop: delivers the lines that handlers print, in batches, and retries
 * until they are stored. The supervising thread keeps them, so they survive the functions.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample
 */
export function startAccessLines({ deliver, log = () => {}, every = 200 }: Options): AccessLines {
  const waiting: { id: string; timestamp: number; message: string }[] = [];
  let lastId = 0;
  let timer: NodeJS.Timeout | undefined;
  let pause = every;
  let underWay: Promise<void> | undefined;
  let stopped = false;
  let failing = false;

  function plan(): void {
    if (timer !== undefined || underWay !== undefined || waiting.length === 0 || stopped) return;
    timer = setTimeout(send, pause);
  }

  function send(): void {
    clearTimeout(timer);
    timer = undefined;
    underWay ??= sendBatch().finally(() => {
      underWay = undefined;
      plan();
    });
  }

  async function sendBatch(): Promise<void> {
    const logEvents = waiting.slice(0, mostInBatch);
    const batch = {
      messageType: 'DATA_MESSAGE',
      owner: '000000000000',
      logGroup: '/counterfoil/local/http',
      logStream: 'local',
      subscriptionFilters: ['record-access'],
      logEvents,
    };
    try {
      const data = (await zip(JSON.stringify(batch))).toString('base64');
      await deliver({ awslogs: { data } });
      waiting.splice(0, logEvents.length);
      pause = waiting.length >= mostInBatch ? 0 : every;
      failing = false;
    } catch (error) {
      if (!failing) log(`access records cannot be stored (${String(error)}); trying again`);
      failing = true;
      pause = Math.min(longestPause, Math.max(every, pause * 2));
    }
  }

  async function settle(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    while (waiting.length > 0 && Date.now() < end && !stopped) {
      send();
      await Promise.race([underWay, new Promise((resolve) => setTimeout(resolve, end - Date.now()).unref())]);
      if (failing) return;
    }
  }

  return {
    add(message) {
      if (waiting.length >= mostKept) return;
      waiting.push({ id: String(++lastId), timestamp: Date.now(), message });
      plan();
    },
    settle,
    async stop() {
      await settle(500);
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const tail = 512 * 1024;

/** The access records in the last 512 KB of a log. */
export async function lastAccessLines(logFile: string): Promise<string[]> {
  const handle = await open(logFile).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return [];
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, tail);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    // The first line may be cut off. Then it is not JSON and is left out.
    return buffer.toString().split('\n').filter(isAccess);
  } finally {
    await handle.close();
  }
}

function isAccess(line: string): boolean {
  if (!line.includes('"accessId"')) return false;
  try {
    return typeof JSON.parse(line).accessId === 'string';
  } catch {
    return false;
  }
}
