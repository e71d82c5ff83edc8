/** The parts of a route by which requests are matched. */
export type Row = { method: string; path: string };

/** The path of the fallback route, as API Gateway writes it. */
export const anythingElse = '$default';

export type Found<R> = { route: R; pathParameters: Record<string, string> };
export type Matcher<R> = (method: string, path: string) => Found<R> | { allow: string[] } | undefined;

/**
 * Finds the route of a request. Returns the allowed methods if the path exists with other methods, or undefined for an
 * unknown path. A literal segment takes precedence over a parameter, as in API Gateway.
 */
export function matcher<R extends Row>(table: readonly R[]): Matcher<R> {
  const parsed = table
    .map((route) => ({ route, segments: route.path.split('/').slice(1) }))
    .filter(({ route }) => route.path !== anythingElse)
    .sort((a, b) => parameters(a.segments) - parameters(b.segments));
  return (method, path) => {
    const parts = path.split('/').slice(1);
    const fitting = parsed.filter(({ segments }) => fits(segments, parts));
    const chosen = fitting.find(({ route }) => route.method === method);
    if (chosen === undefined) {
      return fitting.length === 0 ? undefined : { allow: [...new Set(fitting.map(({ route }) => route.method))] };
    }
    const pathParameters: Record<string, string> = {};
    chosen.segments.forEach((segment, i) => {
      if (isParameter(segment)) pathParameters[segment.slice(1, -1)] = decode(parts[i] ?? '');
    });
    return { route: chosen.route, pathParameters };
  };
}

const isParameter = (segment: string): boolean => segment.startsWith('{');
const parameters = (segments: string[]): number => segments.filter(isParameter).length;
const fits = (segments: string[], parts: string[]): boolean =>
  segments.length === parts.length &&
  segments.every((segment, i) => (isParameter(segment) ? parts[i] !== '' : segment === parts[i]));

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
