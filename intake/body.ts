import type Koa from 'koa';

/** The body of a request; undefined where it is longer than the limit, and is then not read to its end. */
export async function boundedBody(request: Koa.Request, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of request.req) {
    total += (chunk as Uint8Array).length;
    if (total > limit) return undefined;
    chunks.push(chunk as Uint8Array);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
