import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { Signer } from '@aws-sdk/rds-signer';
import postgres, { type Sql } from 'postgres';
import { systemClock } from '../../lib/kernel/clock.ts';
import { correlated } from '../../lib/kernel/correlation.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { type Commented, commentsOn } from '../../lib/platform/sql-comments.ts';
import { withKeptTexts } from '../../lib/platform/sql-text.ts';
import { median } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { openShop, type Shop } from './shop.ts';

export type PoolFigures = {
  /** Statements a second when connections are reused, and when each statement opens one of its own. */
  reusedPerSecond: number;
  freshPerSecond: number;
  /** The middle of the rounds' own ratios. */
  ratio: number;
  /** Statements a second against those of plain ones, when those of sampled requests or of all requests name their request. */
  comments: { sampled: number; all: number };
  crowd: Crowd;
};

/** More requests at once than can be worked on or may wait. */
export type Crowd = {
  requests: number;
  answered: number;
  /** Refused with 503 and `Retry-After`. */
  refused: number;
  /** How else requests ended. */
  otherwise: number;
  /** Until the last one had its answer. */
  seconds: number;
  /** The time of single requests after it, against that before. */
  recovery: number;
};

export type PoolOptions = {
  clients: number;
  rounds: number;
  seconds: number;
  crowd: number;
  say: (line: string) => void;
};

/** What it is worth to reuse connections to PostgreSQL, and what happens to requests that find none. */
export async function measurePool({ clients, rounds, seconds, crowd, say }: PoolOptions): Promise<PoolFigures> {
  const shop = await openShop({ products: 1, customers: 1 });
  const agent = new Agent({ keepAlive: true });
  const pool = connect(shop, clients);
  try {
    const [token] = shop.tokens;
    const url = `${shop.stack.baseUrl}/orders`;
    await placeOrder({ url, token: token!, productIds: shop.productIds, wait: 20, agent });
    const [order] = await pool`select id from orders.order_details limit 1`;
    const read = (sql: Sql) => sql`select id, status, total, lines from orders.order_details where id = ${order!.id}`;
    const fresh = async () => {
      const sql = connect(shop, 1);
      await read(sql);
      await sql.end();
    };
    const named = (which: Commented) => {
      const sql = withKeptTexts(pool, commentsOn(which));
      return () => correlated(newId('access', systemClock), async () => await read(sql));
    };
    const [plain, sampled, all] = [named('none'), named('sampled'), named('all')];
    const turns: { reused: number; fresh: number; plain: number; sampled: number; all: number }[] = [];
    for (let round = 0; round <= rounds; round++) {
      say(
        round === 0
          ? 'warming up'
          : `round ${round} of ${rounds}: statements over reused and fresh connections, and with comments`,
      );
      const turn = {
        reused: await perSecond(clients, seconds, () => read(pool)),
        fresh: await perSecond(clients, seconds, fresh),
        plain: await perSecond(clients, seconds, plain),
        sampled: await perSecond(clients, seconds, sampled),
        all: await perSecond(clients, seconds, all),
      };
      if (round > 0) turns.push(turn);
    }
    say(`${crowd} requests at once`);
    return {
      reusedPerSecond: median(turns.map(({ reused }) => reused)),
      freshPerSecond: median(turns.map((turn) => turn.fresh)),
      ratio: median(turns.map((turn) => turn.reused / turn.fresh)),
      comments: {
        sampled: median(turns.map((turn) => turn.sampled / turn.plain)),
        all: median(turns.map((turn) => turn.all / turn.plain)),
      },
      crowd: await meetCrowd(`${url}/${order!.id}`, token!, crowd),
    };
  } finally {
    agent.destroy();
    await pool.end();
    await shop.close();
  }
}

/** As a function connects: through the proxy, with TLS and an IAM token. */
function connect({ stack: { inside } }: Shop, max: number): Sql {
  const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, DATABASE_HOST, DATABASE_PORT } = inside.env;
  const host = DATABASE_HOST!;
  const port = Number(DATABASE_PORT);
  const username = 'orders_api';
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID!, secretAccessKey: AWS_SECRET_ACCESS_KEY! };
  const signer = new Signer({ hostname: host, port, username, region: AWS_REGION!, credentials });
  return postgres({
    host,
    port,
    database: inside.env.DATABASE_NAME ?? 'counterfoil',
    username,
    password: () => signer.getAuthToken(),
    ssl: { rejectUnauthorized: true, servername: host, ca: readFileSync(inside.env.DATABASE_CA_FILE!) },
    max,
    fetch_types: false,
  });
}

async function perSecond(clients: number, seconds: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  let done = 0;
  const client = async () => {
    while (performance.now() < until) {
      await work();
      done++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return done / ((performance.now() - startedAt) / 1000);
}

async function meetCrowd(url: string, token: string, requests: number): Promise<Crowd> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const ask = () => get(url, token, agent);
  const alone = async () => {
    const times: number[] = [];
    for (let i = 0; i < 30; i++) {
      const startedAt = performance.now();
      await ask();
      times.push(performance.now() - startedAt);
    }
    return median(times);
  };
  try {
    // The functions' code is compiled as it is used.
    for (let i = 0; i < 20; i++) await alone();
    const before = await alone();
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: requests }, ask));
    const seconds = (performance.now() - startedAt) / 1000;
    const answered = answers.filter(({ status }) => status === 200).length;
    const refused = answers.filter(({ status, retryAfter }) => status === 503 && retryAfter !== undefined).length;
    const after = await alone();
    return {
      requests,
      answered,
      refused,
      otherwise: requests - answered - refused,
      seconds,
      recovery: after / before,
    };
  } finally {
    agent.destroy();
  }
}

function get(url: string, token: string, agent: Agent): Promise<{ status: number; retryAfter: string | undefined }> {
  return new Promise((resolve) => {
    const sent = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume();
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }),
      );
    });
    sent.on('error', () => resolve({ status: 0, retryAfter: undefined }));
    sent.end();
  });
}
