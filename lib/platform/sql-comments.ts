import { correlationId } from '../kernel/correlation.ts';

/** Which statements name the API request that they are for. */
export type Commented = 'none' | 'sampled' | 'all';

/** One request in so many is sampled, with its saga and the consumers of its events. */
const sampleOf = 100;

/**
 * What ends the statements of some requests: a comment in the form of sqlcommenter, so that PostgreSQL's sessions and its log of slow
 * statements name the request. A comment makes each statement a new text, which cannot be prepared once for all: such a statement is
 * sent unprepared, and takes a second round trip.
 * @returns the comment for a statement that is sent now, if it has one
 */
export const commentsOn =
  (which: Commented): (() => string | undefined) =>
  () => {
    if (which === 'none') return undefined;
    const id = correlationId();
    return id !== undefined && (which === 'all' || isSampled(id)) ? ` /*correlation_id='${id}'*/` : undefined;
  };

/** The same for every function that works for a request. */
export function isSampled(id: string): boolean {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0;
  return (hash >>> 0) % sampleOf === 0;
}
