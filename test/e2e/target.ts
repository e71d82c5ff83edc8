import type { Document } from './document.ts';

/** What the suite is run against; made by run.ts, and what `inject('target')` gives in a test. */
export type Target = {
  baseUrl: string;
  /** An app key with every scope. */
  appKey: string;
  /** An app key that may change the catalogue and nothing else. */
  limitedAppKey: string;
  /** Of a web shop that may do what customers do. */
  clientId: string;
  /** Registered for the run. */
  applicationIds: string[];
  /** The issuer at which customers sign in, and the application whose customers do, where the demo shop is the target. */
  identity: { issuer: string; clientId: string } | null;
  /** Leaves out what is slow. */
  short: boolean;
  /** Does in full what is done smaller by default. */
  full: boolean;
  /** The stack was started by run.ts on this machine. */
  laptop: boolean;
  /** Logs of such a stack that a test may read: the functions', and PostgreSQL's own. */
  logs: string[];
  /** Requests a minute that the target takes from one address. */
  limitPerMinute: number;
  /** What the target publishes under /openapi.json. */
  document: Document;
};

declare module 'vitest' {
  interface ProvidedContext {
    target: Target;
  }
}
