import type { ServerResponse } from 'node:http';

/** A connection that says nothing for longer is taken for dead by somebody on the way. */
const beatMs = 15_000;

export type Live = {
  /** Keeps an answer open as server-sent events. */
  join(response: ServerResponse): void;
  /** Whether anybody listens. */
  anybody(): boolean;
  /** Says that something has changed; what, whoever shows it asks by itself. */
  changed(): void;
};

/** Tells every open page when there is something new. */
export function createLive(onFirst: () => void): Live {
  const pages = new Set<ServerResponse>();
  let changes = 0;
  setInterval(() => {
    for (const page of pages) page.write(': here\n\n');
  }, beatMs).unref();
  return {
    join(response) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(`retry: 500\ndata: ${changes}\n\n`);
      pages.add(response);
      response.on('close', () => pages.delete(response));
      if (pages.size === 1) onFirst();
    },
    anybody: () => pages.size > 0,
    changed() {
      changes++;
      for (const page of pages) page.write(`data: ${changes}\n\n`);
    },
  };
}
