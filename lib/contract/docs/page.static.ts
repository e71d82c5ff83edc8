import openapi from '../api/assets/openapi.json' with { type: 'json' };
import type { Document } from './document.ts';
import { contentSecurityPolicy, renderPage } from './page.ts';

/** The reference of the API as one HTML page. A bundle holds this text and not what renders it. */
export const docsPage = renderPage(openapi as unknown as Document);

/** What `Content-Security-Policy` the page is sent with. */
export const docsPolicy = contentSecurityPolicy();
