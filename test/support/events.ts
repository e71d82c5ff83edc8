import type { APIGatewayProxyEventV2 } from 'aws-lambda';

export type EventOptions = {
  method?: string;
  /** May contain `{names}`, which are filled from `parameters`. */
  path?: string;
  parameters?: Record<string, string>;
  query?: Record<string, string>;
  /** Names in any case; API Gateway converts them to lower case. */
  headers?: Record<string, string>;
  /** An object or array is sent as JSON with its content type, text and bytes unchanged and without one. */
  body?: unknown;
  base64?: boolean;
  address?: string;
};

/** An event as an HTTP API of API Gateway sends it (payload format 2.0). */
export function httpEvent(options: EventOptions = {}): APIGatewayProxyEventV2 {
  const { method = 'GET', path = '/', parameters, query, headers = {}, body, base64 = false } = options;
  const rawPath = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parameters?.[name] ?? ''));
  const bytes = Buffer.isBuffer(body) ? body : undefined;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const typed = typeof body === 'object' && bytes === undefined ? { 'content-type': 'application/json' } : {};
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    version: '2.0',
    routeKey: `${method} ${path}`,
    rawPath,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: { host: 'api.test', ...typed, ...Object.fromEntries(lowered) },
    ...(query === undefined ? {} : { queryStringParameters: query }),
    ...(parameters === undefined ? {} : { pathParameters: parameters }),
    ...(text === undefined ? {} : { body: base64 || bytes ? (bytes ?? Buffer.from(text)).toString('base64') : text }),
    isBase64Encoded: base64 || bytes !== undefined,
    requestContext: {
      accountId: '000000000000',
      apiId: 'test',
      domainName: 'api.test',
      domainPrefix: 'api',
      http: {
        method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: options.address ?? '192.0.2.1',
        userAgent: 'test',
      },
      requestId: 'gateway-request-id',
      routeKey: `${method} ${path}`,
      stage: '$default',
      time: '01/Jan/2026:00:00:00 +0000',
      timeEpoch: 1_767_225_600_000,
    },
  };
}
