import { ApiError } from './errors.ts';

/** The JSON body of a call. */
export type Request = Record<string, unknown>;
/** Runs one operation by its name. */
export type Operations = (operation: string, request: Request) => object;

export const invalid = (message: string) => new ApiError('ValidationException', message);

export function optional(request: Request, field: string): string | undefined {
  const value = request[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new ApiError('SerializationException', `${field} must be a string`);
  return value;
}

export function required(request: Request, field: string): string {
  const value = optional(request, field);
  if (!value)
    throw invalid(
      `1 validation error detected: Value null at '${field}' failed to satisfy constraint: Member must not be null`,
    );
  return value;
}

export function pageSize(request: Request): number {
  const size = request.maxResults ?? 0;
  if (!Number.isInteger(size) || Number(size) < 0 || Number(size) > 1000)
    throw invalid('maxResults must be a whole number between 0 and 1000');
  return Number(size) || 100;
}

export const writeToken = (at: (string | number)[]) => Buffer.from(JSON.stringify(at)).toString('base64url');
export const invalidToken = (request: Request) => new ApiError('InvalidToken', `Invalid Token: '${request.nextToken}'`);

export function readToken(request: Request): unknown[] | undefined {
  const token = optional(request, 'nextToken');
  if (token === undefined) return undefined;
  try {
    const at: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Array.isArray(at)) return at;
  } catch {}
  throw invalidToken(request);
}

export function checkLength(field: string, value: string | null, most: number): void {
  if (value !== null && value.length > most)
    throw invalid(
      `1 validation error detected: Value at '${field}' failed to satisfy constraint: Member must have length less than or equal to ${most}`,
    );
}
