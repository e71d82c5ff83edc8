import { readFile } from 'node:fs/promises';
import { routes } from '../../functions/routes.ts';
import type { Call } from '../../infra/local/functions/calls.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';
import { synthesized } from '../infra/synthesized.ts';
import { prove, type Right } from './prove.ts';

const providers = { dev: 'simulated', prod: 'stripe' } as const;
type Stage = keyof typeof providers;

/** The calls that `RECORD_CALLS` has written to files, each once. */
export async function readCalls(files: readonly string[]): Promise<Call[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const lines = new Set(texts.flatMap((text) => text.split('\n').filter((line) => line !== '')));
  return [...lines].map((line) => JSON.parse(line) as Call);
}

/** Judges calls by both stages. A laptop has both payment providers; a stage has neither the other one nor its charges. */
export function judge(calls: readonly Call[]): { refused: string[]; unused: Right[]; requests: number } {
  const proofs = (Object.keys(providers) as Stage[]).map((stage) => ({
    stage,
    ...prove(stage, synthesized(stage), calls.filter(isIn(stage))),
  }));
  return {
    refused: proofs.flatMap(({ stage, refused }) => refused.map((sentence) => `${stage}: ${sentence}`)),
    // Both are made of the same tables; only dev's payments can be tried here.
    unused: proofs.find(({ stage }) => stage === 'dev')!.unused,
    requests: proofs.reduce((sum, { requests }) => sum + requests, 0),
  };
}

const providerOf = new Map(Object.values<Route>(routes).map(({ handler, provider }) => [handler, provider]));

const isIn =
  (stage: Stage) =>
  ({ handler, resource }: Call): boolean =>
    (providerOf.get(handler) ?? providers[stage]) === providers[stage] && (stage === 'dev' || resource !== 'charges');
