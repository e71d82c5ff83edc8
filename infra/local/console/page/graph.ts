import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import type { ExecutionView } from '../order.ts';
import type { Visit } from '../story.ts';
import { durationOf, html } from './lib.ts';

/** A state machine with the path that an execution took: attempts, durations, and in colour what compensated. */
export function StateGraph({ graph, execution }: { graph: Graph; execution: ExecutionView }) {
  const { visits } = execution;
  const taken = new Set(visits.slice(1).map(({ state }, i) => `${visits[i]!.state} ${state}`));
  const compensates = new Set(graph.nodes.filter((node) => node.compensates).map(({ name }) => name));
  const path = visits.map(({ state }) => state).join(', then ');
  const edges = graph.edges.toSorted((one, other) => Number(taken.has(key(one))) - Number(taken.has(key(other))));
  return html`
    <svg class="graph" viewBox=${`0 0 ${graph.width} ${graph.height}`} role="img"
      style=${`max-width:${graph.width}px`}
      aria-label=${`State machine ${execution.machine}. Path: ${path || 'none yet'}.`}>
      <defs>
        ${['', 'on', 'back'].map(
          (kind) => html`
            <marker id=${`arrow${kind}`} class=${kind} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto" key=${kind}>
              <path d="M0 0 8 4 0 8z" />
            </marker>`,
        )}
      </defs>
      ${edges.map((edge) => {
        const on = taken.has(key(edge)) ? (compensates.has(edge.to) ? 'back' : 'on') : '';
        return html`<path key=${key(edge)} class=${`edge ${edge.kind} ${on}`} d=${lineOf(edge)} marker-end=${`url(#arrow${on})`} />`;
      })}
      ${graph.nodes.map((node) => html`<${Node} node=${node} visits=${visits.filter(({ state }) => state === node.name)} execution=${execution} key=${node.name} />`)}
    </svg>`;
}

const key = ({ from, to }: GraphEdge) => `${from} ${to}`;

function Node({ node, visits, execution }: { node: GraphNode; visits: Visit[]; execution: ExecutionView }) {
  const { name, x, y, width, height, type, compensates } = node;
  const outcome = outcomeOf(visits, execution);
  return html`
    <g class=${`node ${outcome} ${compensates ? 'compensates' : ''} ${type}`} transform=${`translate(${x - width / 2} ${y - height / 2})`}>
      <rect width=${width} height=${height} rx=${type === 'Task' ? 6 : 22} />
      <text x=${width / 2} y=${visits.length === 0 ? height / 2 + 4.5 : 18}>${name}</text>
      ${visits.length === 0 ? '' : html`<text class="detail" x=${width / 2} y="34">${detailOf(visits)}</text>`}
    </g>`;
}

/** How a state went the last time: `failed` is a task whose last attempt failed, `now` one that is not over. */
export function outcomeOf(visits: readonly Visit[], { status, visits: all }: Pick<ExecutionView, 'status' | 'visits'>) {
  const visit = visits.at(-1);
  if (visit === undefined) return 'untouched';
  if (status === 'RUNNING' && visit === all.at(-1)) return 'now';
  const last = visit.attempts.at(-1);
  return last !== undefined && last.error !== null ? 'failed' : 'done';
}

function detailOf(visits: readonly Visit[]): string {
  const attempts = visits.reduce((sum, visit) => sum + visit.attempts.length, 0);
  const spent = visits.reduce((sum, { enteredAt, endedAt }) => sum + ((endedAt ?? enteredAt) - enteredAt), 0);
  if (attempts === 0) return '✓';
  const times = attempts === 1 ? '' : `${attempts} attempts · `;
  return `${times}${visits.at(-1)!.endedAt === null ? '…' : durationOf(spent)}`;
}

/** Through the points that the layout gave, rounded. */
function lineOf({ points }: GraphEdge): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const curves = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1]!;
    const end = i === rest.length - 2 ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${point.x} ${point.y} ${end.x} ${end.y}`;
  });
  const last = rest.at(-1)!;
  return `M${first.x} ${first.y} ${curves.length === 0 ? `L${last.x} ${last.y}` : curves.join(' ')}`;
}
