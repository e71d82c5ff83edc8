// Apart from access-line.ts, so that handlers and tables that only print or name these lines do not carry their schema.

/** Most ids that one access names: a page of a hundred orders and the customers whose they are. */
export const mostResources = 250;

/** Where CloudWatch Logs finds the records of accesses among all that a function prints, in its own language of filters. */
export const accessPattern = '{ $.accessId = "acc_*" }';
