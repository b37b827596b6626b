import Router from '@koa/router';
import Koa from 'koa';
import type { TimestampAuthority } from '../core/time/authority.ts';
import { boundedBody } from './body.ts';

/** RFC 3161 §3.4: a request is below a kilobyte; nothing larger is read. */
const maxRequest = 16 * 1024;

/** The time-stamp authority over HTTP (RFC 3161 §3.4): POST / with application/timestamp-query. */
export function timestampApplication(authority: TimestampAuthority): Koa {
  const router = new Router();
  router.post('/', async (context) => {
    if (context.request.type !== 'application/timestamp-query') {
      context.status = 415;
      context.body = 'Send application/timestamp-query (RFC 3161 section 3.4).\n';
      return;
    }
    const body = await boundedBody(context.request, maxRequest);
    if (!body) {
      context.status = 413;
      context.body = 'The request is larger than a time-stamp request can be.\n';
      return;
    }
    context.type = 'application/timestamp-reply';
    context.set('Cache-Control', 'no-store');
    context.body = Buffer.from(await authority.respond(body));
  });
  const application = new Koa();
  application.silent = true;
  application.use(router.routes()).use(router.allowedMethods());
  return application;
}
