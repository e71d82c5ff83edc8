import { gzipSync } from 'node:zlib';
import document from './assets/openapi.json' with { type: 'json' };

/** The OpenAPI document, compressed by gzip, in base64. Packed, it is a tenth of what a function would load. */
export const packedDocument = gzipSync(JSON.stringify(document), { level: 9 }).toString('base64');
