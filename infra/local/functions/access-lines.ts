import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export type AccessLines = {
  /** Takes a line that a handler has printed. */
  add(line: string): void;
  /** Resolves when every line is delivered that was there, or when that takes longer than so many milliseconds. */
  settle(patienceMs: number): Promise<void>;
  stop(): void;
};

type Options = {
  /** Hands a batch on, in the form that CloudWatch Logs gives it. Rejects when it was not taken. */
  deliver: (payload: { awslogs: { data: string } }) => Promise<unknown>;
  log?: (line: string) => void;
  /** Milliseconds between two batches. */
  every?: number;
};

const mostInBatch = 500;
/** More than a laptop makes in the hour that its database may be gone; what is older then is in functions.log. */
const mostKept = 200_000;
const longestPause = 5_000;

const zip = promisify(gzip);

/**
 * The subscription of CloudWatch Logs on a laptop: hands on the lines that handlers print, in batches, and again until they
 * are taken. They are kept by the thread that supervises the functions, and so outlive these.
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
      pause = waiting.length > 0 ? 0 : every;
      failing = false;
    } catch (error) {
      if (!failing) log(`records of accesses are not taken (${String(error)}); trying again`);
      failing = true;
      pause = Math.min(longestPause, Math.max(every, pause * 2));
    }
  }

  return {
    add(message) {
      if (waiting.length >= mostKept) return;
      waiting.push({ id: String(++lastId), timestamp: Date.now(), message });
      plan();
    },
    async settle(patienceMs) {
      const end = Date.now() + patienceMs;
      while (waiting.length > 0 && Date.now() < end && !stopped) {
        send();
        await Promise.race([underWay, new Promise((resolve) => setTimeout(resolve, end - Date.now()).unref())]);
        if (failing) return;
      }
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const tail = 512 * 1024;

/** The records of accesses near the end of a log. */
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
    // The first one may be cut off, and is left out as one that is no JSON.
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
