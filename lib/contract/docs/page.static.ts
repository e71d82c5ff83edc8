import { gzipSync } from 'node:zlib';
import openapi from '../api/assets/openapi.json' with { type: 'json' };
import type { Document } from './document.ts';
import { contentSecurityPolicy, renderPage } from './page.ts';

/**
 * The reference of the API as one HTML page, compressed by gzip, in base64. A bundle holds this text and not what renders it;
 * the page itself would be most of the function.
 */
export const packedPage = gzipSync(renderPage(openapi as unknown as Document), { level: 9 }).toString('base64');

/** What `Content-Security-Policy` the page is sent with. */
export const docsPolicy = contentSecurityPolicy();
