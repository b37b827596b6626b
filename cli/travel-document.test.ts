import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, pictures } from '../core/pdf/judges.ts';
import { readAttachments } from '../core/pdf/read/attachments.ts';
import { readPdf } from '../core/pdf/read/document.ts';
import { zxingProgram } from '../core/seal/picture.fixture.ts';
import { readCodes } from '../core/seal/picture.ts';
import { bytesOf, newPost, run, submission, type TestPost, today } from './testing.ts';

let post: TestPost;
beforeAll(async () => {
  post = await newPost();
});
afterAll(() => post?.remove());

const as = (agent: string, ...argv: readonly string[]) =>
  post.consulWith({ env: { CONSUL_AGENT: agent } }, ...argv);

describe('an emergency travel document', () => {
  let reference = '';
  let document = '';

  it('is decided by another agent than the one who handles it, with a reason', async () => {
    ({ reference } = await post.json(...submission(post, 'laissez-passer')));
    const decide = (agent: string, ...more: readonly string[]) =>
      as(agent, 'request', 'decide', reference, '--accept', ...more);
    const reason = ['--reason', 'Identité établie par l’acte de naissance'];
    const alone = await decide('awa', ...reason);
    expect([alone.status, alone.stderr]).toEqual([1, expect.stringContaining('[REQUEST_WRONG_STATE]')]);
    await post.done('request', 'assign', reference, '--to', 'marie');
    const own = await decide('marie', ...reason);
    expect([own.status, own.stderr]).toEqual([1, expect.stringContaining('was handled by marie')]);
    const silent = await decide('awa');
    expect([silent.status, silent.stderr]).toEqual([1, expect.stringContaining('[REASON_REQUIRED]')]);
    expect((await decide('awa', ...reason)).status).toBe(0);
  });

  it('is issued with its zone and its ICAO seal, which a stranger verifies', async () => {
    ({ document } = await post.json('issue', reference));
    const report = await post.json('verify', document);
    expect(report).toMatchObject({ indication: 'TOTAL-PASSED', document: { type: 'laissez-passer' } });
    for (const id of ['machine-readable-zone', 'travel-seal'])
      expect(report.checks).toContainEqual(expect.objectContaining({ id, outcome: 'passed' }));
  });

  it('has an ICAO seal that is verified without the document, as bytes and from a picture of it', async () => {
    const seal = readAttachments(readPdf(bytesOf(document))).find(({ name }) => name === 'travel-seal.vds');
    const file = post.file('seal.vds', seal?.bytes ?? '');
    const french = await post.consul('verify', file, '--lang', 'fr');
    expect([french.status, french.stdout]).toEqual([
      0,
      expect.stringMatching(/^✔ CACHET AUTHENTIQUE : .*Titre de voyage d’urgence PAR\d{6}, Consulat général/),
    ]);
    const changed = seal!.bytes.map((byte, at) => (at === seal!.bytes.length - 1 ? byte ^ 1 : byte));
    expect((await post.consul('verify', post.file('changed.vds', changed))).status).toBe(1);
  });

  it.skipIf(missing('pdftoppm') || missing('zbarimg'))(
    'is one page whose codes are read at 200 dpi',
    async () => {
      const pages = pictures(bytesOf(document), 200);
      expect(pages).toHaveLength(1);
      const [page] = pages;
      const { codes } = await readCodes(page as Uint8Array, zxingProgram());
      expect(codes).toHaveLength(2);
      expect(codes.some(({ bytes }) => bytes[0] === 0xdc && bytes[1] === 3)).toBe(true);
      const file = post.file('page.png', page as Uint8Array);
      const zbar = await run('zbarimg', ['--quiet', '--raw', file]);
      expect(zbar.stdout).toContain('HTTPS://');
      expect(await post.json('verify', file)).toMatchObject({ subject: 'seal', indication: 'TOTAL-PASSED' });
    },
  );

  it('takes no number where the post has no signer for its ICAO seal, until it gets one', async () => {
    const { reference: next } = await post.json(...submission(post, 'laissez-passer', { name: 'next' }));
    await post.done('request', 'assign', next, '--to', 'marie');
    await as('awa', 'request', 'decide', next, '--accept', '--reason', 'Identité établie');
    rmSync(join(post.home, 'certs', 'vds-signer.cert.pem'));
    const refused = await post.consul('issue', next);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('[CERTIFICATE_UNKNOWN]')]);
    const root = join(post.home, 'offline', 'root.key.pem');
    await post.done('pki', 'rotate', 'vds-signer', '--root-key', root);
    const issued = await post.json('issue', next);
    expect(issued.number).toMatch(/-000002$/);
    expect(await post.json('verify', issued.document)).toMatchObject({ indication: 'TOTAL-PASSED' });
    // The first document is by a signer that the bundle still knows.
    expect(await post.json('verify', document)).toMatchObject({ indication: 'TOTAL-PASSED' });
  });

  it('is named, and no other document, when the key of its ICAO seal fell into other hands', async () => {
    const { serial } = (await post.json('pki', 'list')).find(
      ({ profile, state }: Record<string, string>) => profile === 'vds-signer' && state === 'active',
    );
    const { documents } = await post.json('pki', 'compromised', serial, '--since', today());
    expect(documents.map(({ type }: Record<string, string>) => type)).toEqual(
      documents.map(() => 'laissez-passer'),
    );
    expect(documents.length).toBeGreaterThan(0);
  });
});
