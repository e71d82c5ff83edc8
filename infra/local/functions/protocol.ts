/** What the supervising thread and the thread that hosts the functions say to each other. */
export type ToHost =
  | { kind: 'invoke'; id: number; door: string; payload: string; timeoutSeconds: number }
  | { kind: 'listen'; port: number }
  | { kind: 'stop' };

export type FromHost =
  | { kind: 'invoked'; id: number; result: string }
  | { kind: 'failed'; id: number; error: { name: string; message: string; stack: string | undefined } }
  | { kind: 'listening'; port: number }
  | { kind: 'not-listening'; code: string; message: string }
  | { kind: 'request'; method: string; path: string; status: number; milliseconds: number };
