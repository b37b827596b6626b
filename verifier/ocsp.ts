import { createHash } from 'node:crypto';
import Koa from 'koa';
import type { OcspReply } from '../core/pki/ocsp-archive.ts';
import { boundedBody } from '../intake/body.ts';

/** A question about one certificate is below a kilobyte. */
const maxRequest = 16 * 1024;
const requestType = 'application/ocsp-request';

/** The question in the path of a GET (RFC 6960 appendix A.1): base64, percent-encoded, behind the address of the service. */
function questionIn(path: string): Uint8Array | undefined {
  let text: string;
  try {
    text = decodeURIComponent(path).replace(/^\/(?:ocsp\/)?(?:[0-9a-f]{40}\/)?/, '');
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
  if (text === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/**
 * An OCSP responder over HTTP (RFC 6960 appendix A) with the headers of RFC 5019 §6.2, so that every cache on the way
 * may keep an answer for as long as it holds.
 */
export function ocspApplication(answer: (request: Uint8Array) => Promise<OcspReply>, clock: () => Date): Koa {
  const application = new Koa();
  application.silent = true;
  application.use(async (context) => {
    const { method, path } = context;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
      context.status = 405;
      context.set('Allow', 'GET, HEAD, POST');
      return;
    }
    if (method === 'POST' && context.request.type !== requestType) {
      context.status = 415;
      context.body = `Send ${requestType} (RFC 6960 appendix A.1).\n`;
      return;
    }
    const question = method === 'POST' ? await boundedBody(context.request, maxRequest) : questionIn(path);
    if (!question) {
      context.status = method === 'POST' ? 413 : 404;
      context.body = 'The path of a GET is the request in base64 (RFC 6960 appendix A.1).\n';
      return;
    }
    const { body, holds } = await answer(question);
    context.type = 'application/ocsp-response';
    if (holds) {
      const seconds = Math.max(0, Math.floor((holds.until.getTime() - clock().getTime()) / 1000));
      context.set({
        'Cache-Control': `max-age=${seconds}, public, no-transform, must-revalidate`,
        'Last-Modified': holds.from.toUTCString(),
        Expires: holds.until.toUTCString(),
        ETag: `"${createHash('sha256').update(body).digest('hex')}"`,
      });
    } else context.set('Cache-Control', 'no-store');
    context.status = 200;
    if (method !== 'POST' && holds && context.fresh) context.status = 304;
    else context.body = Buffer.from(body);
  });
  return application;
}
