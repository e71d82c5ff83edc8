/** The domain of AWS in each partition whose regions begin so; elsewhere `amazonaws.com`. */
const domains: Readonly<Record<string, string>> = { cn: 'amazonaws.com.cn', eusc: 'amazonaws.eu' };

/** Where a service is in a region: `dynamodb`, or `<bucket>.s3`. Isolated regions are not known here. */
export const awsHost = (service: string, region: string): string =>
  `${service}.${region}.${domains[region.split('-', 1)[0]!] ?? 'amazonaws.com'}`;
