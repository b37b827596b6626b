import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSignedData } from '../core/cms/read.ts';
import { readPdf } from '../core/pdf/read/document.ts';
import type { SealedRecord } from '../core/pdf/record.ts';
import { exampleTravellers } from '../fixtures/people.ts';
import { examplePieces, exampleRequest } from '../fixtures/requests.ts';
import { bytesOf, issued, newPost, program, run, type TestPost, today } from './testing.ts';

// Programs that nobody here wrote judge what the built program has made.

const programs = [...['certutil', 'openssl', 'pdfsig', 'pdftoppm', 'pdftotext', 'qpdf', 'zbarimg']] as const;
type Judge = (typeof programs)[number];
const present = new Set<Judge>(
  programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0),
);

/** A test that is skipped, by its name, where a program is missing. */
const judged = (judges: readonly Judge[], what: string, test: () => Promise<void>): void =>
  it.skipIf(judges.some((judge) => !present.has(judge)))(`${judges.join(', ')}: ${what}`, test);

let post: TestPost;
let document = '';
let number = '';
let root = '';
let issuing = '';
/** What the signature covers, and the CMS that stands in /Contents. */
let covered = '';
let cms = '';
/** The same of the document timestamp. */
let archive = { covered: '', token: '' };

interface SignatureBytes {
  readonly covered: Uint8Array;
  /** The CMS or the token. */
  readonly cms: Uint8Array;
  /** Where what it covers ends. */
  readonly end: number;
}

/** The signature and the document timestamp, by the text of the file and ISO 32000-2 §12.8.1 alone. */
function signatureParts(pdf: Uint8Array): readonly SignatureBytes[] {
  const text = Buffer.from(pdf).toString('latin1');
  const ranges = [...text.matchAll(/\/ByteRange ?\[ ?(\d+) (\d+) (\d+) (\d+) *\]/g)];
  return ranges.map((match) => {
    const [a, b = 0, c = 0, d = 0] = match.slice(1).map(Number);
    const hole = Buffer.from(text.slice(b + 1, c - 1), 'hex');
    expect([a, hole[0], hole[1]]).toEqual([0, 0x30, 0x82]);
    return {
      covered: Buffer.concat([pdf.subarray(0, b), pdf.subarray(c, c + d)]),
      cms: hole.subarray(0, 4 + hole.readUInt16BE(2)),
      end: c + d,
    };
  });
}

async function ok(command: string, ...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(command, argv, { cwd: post.folder });
  expect(`${status} ${status === 0 ? '' : stdout + stderr}`).toBe('0 ');
  return `${stdout}${stderr}`;
}

beforeAll(async () => {
  post = await newPost();
  const data = exampleRequest('prise-en-charge', today());
  data.beneficiaries = [exampleTravellers.african, exampleTravellers.vietnamese];
  data.guarantor.givenNames = 'Élodie Ŋgonda';
  const pieces = [...examplePieces['prise-en-charge'], 'beneficiary-identity:2'];
  ({ document, number } = await issued(post, 'prise-en-charge', { data, pieces }));
  root = join(post.home, 'certs', 'root.cert.pem');
  issuing = join(post.home, 'certs', 'issuing-ca.cert.pem');
  const [signature, timestamp, ...others] = signatureParts(bytesOf(document));
  expect([timestamp?.end, others.length]).toEqual([bytesOf(document).length, 0]);
  covered = post.file('covered', signature?.covered ?? new Uint8Array());
  cms = post.file('signature.der', signature?.cms ?? new Uint8Array());
  archive = {
    covered: post.file('archive.covered', timestamp?.covered ?? new Uint8Array()),
    token: post.file('archive.tst', timestamp?.cms ?? new Uint8Array()),
  };
});
afterAll(() => post?.remove());

describe('the signature of a document', () => {
  judged(['pdfsig', 'certutil'], 'valid, by a trusted certificate, under a document timestamp', async () => {
    const database = `sql:${post.folder}`;
    await ok('certutil', '-N', '-d', database, '--empty-password');
    await ok('certutil', '-A', '-d', database, '-n', 'root', '-t', 'CT,C,C', '-a', '-i', root);
    const said = await ok('pdfsig', '-nssdir', database, document);
    expect(said).toContain('Signature Validation: Signature is Valid.');
    expect(said).toContain('Certificate Validation: Certificate is Trusted.');
    expect(said).toContain('Signature Type: ETSI.CAdES.detached');
    expect(said).toMatch(/Signature #2:\n.*Timestamp\n(?:.*\n)*.*Total document signed/);
    expect(said).not.toContain('Signature #3');

    const forged = post.file(
      'forged.pdf',
      bytesOf(document).map((byte, at) => (at === 3000 ? byte ^ 1 : byte)),
    );
    expect((await run('pdfsig', ['-nssdir', database, forged])).stdout).not.toContain('Signature is Valid');
  });

  judged(['openssl'], 'a CMS over the covered bytes and nothing else', async () => {
    const verify = (content: string) =>
      run('openssl', [
        ...['cms', '-verify', '-binary', '-inform', 'DER', '-in', cms, '-content', content],
        ...['-CAfile', root, '-purpose', 'any', '-cades', '-out', join(post.folder, 'verified')],
      ]);
    const { status, stderr } = await verify(covered);
    expect(`${status} ${stderr}`).toMatch(/^0 .*Verification successful/s);
    expect(Buffer.from(bytesOf(join(post.folder, 'verified'))).equals(bytesOf(covered))).toBe(true);
    expect((await verify(document)).status).not.toBe(0);
  });

  judged(['openssl'], 'a time-stamp token over the signature value', async () => {
    const { signer } = readSignedData(bytesOf(cms));
    const token = post.file('token.der', signer.unsigned.signatureTimestamp ?? new Uint8Array());
    const signature = post.file('signature.value', signer.signature);
    const verify = (data: string) =>
      run('openssl', [
        ...['ts', '-verify', '-token_in', '-in', token, '-data', data],
        ...['-CAfile', root, '-untrusted', issuing],
      ]);
    expect((await verify(signature)).stdout).toContain('Verification: OK');
    expect((await verify(covered)).status).not.toBe(0);
  });
});

describe('the document timestamp', () => {
  judged(['openssl'], 'a token over everything before it, under the authorities in the file', async () => {
    const verify = (data: string) =>
      run('openssl', [
        ...['ts', '-verify', '-token_in', '-in', archive.token, '-data', data],
        ...['-CAfile', root, '-untrusted', issuing],
      ]);
    expect((await verify(archive.covered)).stdout).toContain('Verification: OK');
    expect((await verify(covered)).status).not.toBe(0);
  });

  judged(['openssl'], 'with revocation lists that hold for the signer', async () => {
    const signer = join(post.home, 'certs', 'document-signer.cert.pem');
    const lists = readdirSync(join(post.home, 'public', 'crl')).map((name) =>
      join(post.home, 'public', 'crl', name),
    );
    const stored = readPdf(bytesOf(document));
    const store = stored.dict(stored.catalog().get('DSS'));
    const kept = (stored.array(store?.get('CRLs')) ?? []).map((item) => stored.stream(item));
    expect(kept.map((stream) => stream && Buffer.from(stored.data(stream)).toString('hex')).sort()).toEqual(
      lists.map((file) => Buffer.from(bytesOf(file)).toString('hex')).sort(),
    );
    const pem: string[] = [];
    for (const file of lists) pem.push(await ok('openssl', 'crl', '-inform', 'DER', '-in', file));
    const crls = post.file('lists.pem', pem.join(''));
    const said = await ok(
      ...(['openssl', 'verify', '-crl_check_all', '-CAfile', root, '-CRLfile', crls] as const),
      ...(['-untrusted', issuing, '-purpose', 'any', signer] as const),
    );
    expect(said).toContain(': OK');
  });
});

describe('the file of a document', () => {
  judged(['qpdf'], 'sound, with record, seal and log proof attached', async () => {
    expect(await ok('qpdf', '--check', document)).toContain('No syntax or stream encoding errors found');
    const attachments = await ok('qpdf', '--list-attachments', document);
    for (const name of ['record.json', 'seal.cose', 'log.tlog-proof']) expect(attachments).toContain(name);
    const { bytes: proof } = await run('qpdf', ['--show-attachment=log.tlog-proof', document]);
    expect(await post.json('log', 'verify', document, '--proof', post.file('a.proof', proof))).toMatchObject({
      valid: true,
    });
  });

  judged(['pdftotext', 'qpdf'], 'every field of record.json stands on the page', async () => {
    const record: SealedRecord = JSON.parse(await ok('qpdf', '--show-attachment=record.json', document));
    const plain = (text: string) => text.normalize('NFC').replace(/[\s\u2010-\u2011\u00ad]+/g, '');
    const page = plain(await ok('pdftotext', '-enc', 'UTF-8', document, '-'));
    const fields = record.blocks.flatMap((block) =>
      block.kind === 'rows' ? block.rows.flatMap(({ label, value }) => [label, value]) : [],
    );
    expect(fields.length).toBeGreaterThan(20);
    for (const field of fields) expect(page).toContain(plain(field));
    expect(page.toLowerCase()).toContain(plain(record.title).toLowerCase());
  });

  judged(['zbarimg', 'pdftoppm'], 'zbarimg and jsqr read the seal at 200 dpi, zxing at 150', async () => {
    const picture = async (dpi: number): Promise<string> => {
      await ok('pdftoppm', '-r', String(dpi), '-png', document, join(post.folder, `at-${dpi}`));
      // The seal closes the document.
      const pages = readdirSync(post.folder).filter((name) => name.startsWith(`at-${dpi}`));
      return join(post.folder, pages.sort().at(-1) ?? '');
    };
    const [at200, at150] = await Promise.all([picture(200), picture(150)]);
    const text = (await run('zbarimg', ['--quiet', '--raw', at200])).stdout.trim();
    expect(text).toMatch(/^HTTPS:\/\/VERIF\.CONSULAT\.EXAMPLE\/#[A-Z2-7]+$/);

    const { data, width, height } = PNG.sync.read(Buffer.from(bytesOf(at200)));
    const { default: jsqr } = await import('jsqr');
    const read = (jsqr as unknown as typeof jsqr.default)(new Uint8ClampedArray(data), width, height);
    expect(read?.data).toBe(text);

    const [fromText, from150, from200] = await Promise.all(
      [text, at150, at200].map((subject) => post.json('verify', subject)),
    );
    for (const report of [fromText, from150, from200])
      expect(report).toMatchObject({
        subject: 'seal',
        indication: 'TOTAL-PASSED',
        compareWithPaper: true,
        document: { number },
      });
  });
});

describe('certificates and keys of a post', () => {
  const names = ['issuing-ca', 'document-signer', 'seal-signer', 'tsa'];

  judged(['openssl'], 'every certificate verifies up to the root', async () => {
    const files = names.map((name) => join(post.home, 'certs', `${name}.cert.pem`));
    await ok('openssl', 'verify', '-x509_strict', '-CAfile', root, root);
    const said = await ok(
      'openssl',
      'verify',
      '-x509_strict',
      '-CAfile',
      root,
      '-untrusted',
      issuing,
      ...files,
    );
    expect(said.match(/: OK$/gm)).toHaveLength(4);
    const tsa = await ok('openssl', 'x509', '-in', files[3] ?? '', '-noout', '-text');
    expect(tsa).toMatch(/Extended Key Usage: critical\s+Time Stamping\n/);
  });

  judged(['openssl'], 'every key file opens with the passphrase, and with no other', async () => {
    const keys = [
      ...readdirSync(join(post.home, 'keys')).map((name) => join(post.home, 'keys', name)),
      join(post.home, 'offline', 'root.key.pem'),
    ];
    expect(keys).toHaveLength(8);
    const passphrase = `file:${join(post.home, 'passphrase')}`;
    const texts = await Promise.all(
      keys.map((key) => ok('openssl', 'pkey', '-in', key, '-passin', passphrase, '-noout', '-text')),
    );
    expect(texts.filter((text) => text.includes('NIST CURVE: P-'))).toHaveLength(6);
    const wrong = await run('openssl', ['pkey', '-in', keys[0] ?? '', '-passin', 'pass:wrong', '-noout']);
    expect(wrong.status).not.toBe(0);
  });
});

describe('time-stamps over HTTP', () => {
  const type = { 'content-type': 'application/timestamp-query' };

  judged(['openssl'], 'our authority is asked and judged by openssl ts', async () => {
    const server = spawn(process.execPath, [program, 'serve', 'tsa', '--port', '0', '--json'], {
      env: { ...process.env, CONSUL_HOME: post.home },
    });
    const ended = once(server, 'exit');
    try {
      let said = '';
      for await (const chunk of server.stdout) {
        said += chunk;
        if (said.includes('}')) break;
      }
      const { url } = JSON.parse(said);
      const query = join(post.folder, 'query.tsq');
      await ok('openssl', 'ts', '-query', '-data', document, '-sha256', '-cert', '-out', query);
      const answer = await fetch(url, { method: 'POST', headers: type, body: bytesOf(query) as BodyInit });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        200,
        'application/timestamp-reply',
      ]);
      const reply = post.file('reply.tsr', new Uint8Array(await answer.arrayBuffer()));
      expect(
        await ok(
          ...(['openssl', 'ts', '-verify', '-queryfile', query, '-in', reply] as const),
          ...['-CAfile', root, '-untrusted', issuing],
        ),
      ).toContain('Verification: OK');

      const statuses = await Promise.all([
        fetch(url).then(({ status }) => status),
        fetch(url, { method: 'POST', body: 'x' }).then(({ status }) => status),
        fetch(url, { method: 'POST', headers: type, body: 'x'.repeat(20_000) }).then(({ status }) => status),
        fetch(new URL('other', url), { method: 'POST', headers: type }).then(({ status }) => status),
      ]);
      expect(statuses).toEqual([405, 415, 413, 404]);
      const refused = await fetch(url, { method: 'POST', headers: type, body: 'not DER' });
      const rejection = post.file('rejection.tsr', new Uint8Array(await refused.arrayBuffer()));
      expect(await ok('openssl', 'ts', '-reply', '-in', rejection, '-text')).toMatch(/Status: Rejected/);
    } finally {
      server.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });

  judged(['openssl'], 'openssl ts is the authority that is asked', async () => {
    const settings = post.file(
      'tsa.cnf',
      [
        ...['[ca]', 'basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign'],
        ...['subjectKeyIdentifier = hash'],
        ...['[leaf]', 'basicConstraints = critical,CA:FALSE', 'keyUsage = critical,digitalSignature'],
        ...['extendedKeyUsage = critical,timeStamping', 'subjectKeyIdentifier = hash'],
        ...['authorityKeyIdentifier = keyid'],
        ...['[tsa]', 'default_tsa = own', '[own]', 'serial = $ENV::TSA_FOLDER/serial'],
        ...['signer_cert = $ENV::TSA_FOLDER/tsa.pem', 'signer_key = $ENV::TSA_FOLDER/tsa.key'],
        ...['certs = $ENV::TSA_FOLDER/tsa-root.pem', 'signer_digest = sha256', 'digests = sha256'],
        ...['default_policy = 1.3.6.1.4.1.99999.2', 'ess_cert_id_chain = no', 'ess_cert_id_alg = sha256'],
      ].join('\n'),
    );
    process.env.TSA_FOLDER = post.folder;
    post.file('serial', '01\n');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-config', settings];
    const path = (name: string) => join(post.folder, name);
    await ok(
      ...(['openssl', 'req', '-x509', ...key, '-extensions', 'ca', '-subj', '/CN=Other root'] as const),
      ...['-days', '30', '-keyout', path('tsa-root.key'), '-out', path('tsa-root.pem')],
    );
    await ok(
      ...(['openssl', 'req', '-x509', ...key, '-extensions', 'leaf', '-subj', '/CN=Other TSA'] as const),
      ...['-CA', path('tsa-root.pem'), '-CAkey', path('tsa-root.key'), '-days', '20'],
      ...['-keyout', path('tsa.key'), '-out', path('tsa.pem')],
    );
    const answers: Record<string, (query: Uint8Array) => Promise<readonly [number, Uint8Array]>> = {
      '/good': async (query) => {
        const asked = post.file('asked.tsq', query);
        const given = path('given.tsr');
        const files = ['-queryfile', asked, '-out', given];
        await ok('openssl', 'ts', '-reply', '-config', settings, ...files);
        return [200, bytesOf(given)];
      },
      '/stale': async () => [200, bytesOf(path('given.tsr'))],
      '/garbage': async () => [200, Buffer.from('not an answer')],
      '/busy': async () => [503, Buffer.from('')],
    };
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const [status, body] = (await answers[request.url ?? '']?.(Buffer.concat(chunks)).catch(
        (error: Error) => {
          console.error(error.message);
          return undefined;
        },
      )) ?? [404, ''];
      response.writeHead(status, { 'content-type': 'application/timestamp-reply' }).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const letter = post.file('letter.txt', 'what is stamped');
    const ask = (place: string) =>
      post.consul(
        'timestamp',
        'ask',
        letter,
        '--url',
        `${base}${place}`,
        '--out',
        path(`${place.slice(1)}.tst`),
      );
    try {
      expect(await ask('/good')).toMatchObject({ status: 0, stderr: '' });
      const token = ['ts', '-verify', '-token_in', '-in', path('good.tst'), '-data', letter];
      expect(await ok('openssl', ...token, '-CAfile', path('tsa-root.pem'))).toContain('Verification: OK');
      // Good for who trusts that authority; the bundle of this post does not.
      const verdict = await post.consul('timestamp', 'verify', letter, path('good.tst'), '--json');
      expect([verdict.status, JSON.parse(verdict.stdout).valid]).toEqual([1, false]);

      for (const [place, code] of [
        ['/stale', 'TSA_INVALID'],
        ['/garbage', 'TSA_INVALID'],
        ['/absent', 'TSA_INVALID'],
        ['/busy', 'TSA_UNREACHABLE'],
      ] as const) {
        const { status, stderr } = await ask(place);
        expect([status, stderr]).toEqual([1, expect.stringContaining(`[${code}]`)]);
        expect(readdirSync(post.folder)).not.toContain(`${place.slice(1)}.tst`);
      }
    } finally {
      server.close();
    }
  });
});
