import { graphlib, layout } from '@dagrejs/dagre';
import { steps } from '../../../functions/steps.ts';
import type { Machine, State } from '../states/definition.ts';

export type GraphNode = {
  name: string;
  type: State['Type'];
  x: number;
  y: number;
  width: number;
  height: number;
  /** Whether the state only exists to compensate. */
  compensates: boolean;
};
export type GraphEdge = {
  from: string;
  to: string;
  kind: 'next' | 'catch' | 'choice';
  points: { x: number; y: number }[];
};
/** Where the states of a machine are drawn. x and y are the middle of a node. */
export type Graph = { width: number; height: number; startAt: string; nodes: GraphNode[]; edges: GraphEdge[] };

const height = 44;
const widthOf = (name: string) => Math.max(120, 28 + name.length * 7.8);

/** Lays out a state machine, top to bottom. */
export function graphOf({ StartAt, States }: Machine): Graph {
  const graph = new graphlib.Graph({ multigraph: false });
  graph.setGraph({ rankdir: 'TB', nodesep: 28, ranksep: 34, marginx: 10, marginy: 10 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of Object.keys(States)) graph.setNode(name, { width: widthOf(name), height });
  const edges = Object.entries(States).flatMap(([from, state]) => edgesOf(from, state));
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  const compensation = compensationOf(States);
  const { width = 0, height: total = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.ceil(width),
    height: Math.ceil(total),
    startAt: StartAt,
    nodes: Object.entries(States).map(([name, { Type: type }]) => ({
      ...(graph.node(name) as { x: number; y: number; width: number; height: number }),
      name,
      type,
      compensates: compensation.has(name),
    })),
    edges: edges.map((edge) => ({
      ...edge,
      points: (graph.edge(edge.from, edge.to) as { points: { x: number; y: number }[] }).points.map(({ x, y }) => ({
        x: Math.round(x * 10) / 10,
        y: Math.round(y * 10) / 10,
      })),
    })),
  };
}

/** Each pair of states once: two catchers that lead to the same state are one arrow. */
function edgesOf(from: string, { Next, Default, Choices = [], Catch = [] }: State): Omit<GraphEdge, 'points'>[] {
  const all = [
    ...(Next === undefined ? [] : [{ to: Next, kind: 'next' as const }]),
    ...Choices.flatMap(({ Next: to }) => (to === undefined ? [] : [{ to: String(to), kind: 'choice' as const }])),
    ...(Default === undefined ? [] : [{ to: Default, kind: 'choice' as const }]),
    ...Catch.map(({ Next: to }) => ({ to, kind: 'catch' as const })),
  ];
  return all
    .filter(({ to }, i) => all.findIndex((other) => other.to === to) === i)
    .map(({ to, kind }) => ({ from, to, kind }));
}

/** The steps that compensate another one, and what comes after them, but for the end. */
function compensationOf(states: Machine['States']): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    const state = states[name];
    if (state === undefined || found.has(name) || state.Type === 'Succeed') return;
    found.add(name);
    for (const { to } of edgesOf(name, state)) visit(to);
  };
  for (const { compensatedBy } of Object.values(steps)) if (compensatedBy !== null) visit(compensatedBy);
  return found;
}
