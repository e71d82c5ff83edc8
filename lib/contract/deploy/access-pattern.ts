// Not in access-line.ts, so that the bundles of handlers that write these lines do not contain their schema.

/** The most ids in one access record: a page of a hundred orders and their customers. */
export const mostResources = 250;

/** The filter pattern by which CloudWatch Logs finds access records among the lines of a function. */
export const accessPattern = '{ $.accessId = "acc_*" }';
