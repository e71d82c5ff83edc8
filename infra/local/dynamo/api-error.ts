/** A refusal that the caller gets as an AWS error body: `status` of HTTP, `type` as in `ConditionalCheckFailedException`. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly body: Record<string, unknown>;

  constructor(type: string, message: string, extra: Record<string, unknown> = {}, status = 400) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.type = type;
    this.body = { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message, ...extra };
  }
}

/** The request is malformed: DynamoDB's ValidationException. */
export const invalid = (message: string): ApiError => new ApiError('ValidationException', message);
