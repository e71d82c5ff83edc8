/**
 * Stands in for the AWS SDK's cache of discovered endpoints in a bundle. DynamoDB's client makes one, with the lists
 * and iterators below it, and needs it only where AWS_ENABLE_ENDPOINT_DISCOVERY is set, which no function does.
 */
export class EndpointCache {
  getEndpoint = refuse;
  get = refuse;
  set = refuse;
  delete = refuse;
  has = refuse;
  clear = refuse;
}

function refuse(): never {
  throw new Error('this bundle has no endpoint discovery: unset AWS_ENABLE_ENDPOINT_DISCOVERY');
}
