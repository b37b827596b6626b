import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type BuildResult, build, type Metafile, transform } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { party } from '../pki/fixture.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { presentationUrl, sealUrl } from '../seal/carrier.ts';
import { makePresentation } from '../seal/disclosure.ts';
import { twoDDocText } from '../seal/foreign/fixture.ts';
import { recordDisclosures } from '../seal/record-disclosures.ts';
import { archived, evidenceOf } from './archive.fixture.ts';
import { verifyCode } from './code.ts';
import type { VerifyContext } from './context.ts';
import { verifyPdf } from './document.ts';
import {
  arabicRecord,
  ceremonyCast,
  flipped,
  host,
  latinRecord,
  makeDocument,
  times,
  trustBytes,
} from './fixture.ts';
import { prepareTrust } from './trust.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** All that a page of the verifier calls. */
const door = `
export { webBackend } from './core/crypto/web.ts';
export { openTrustBundle } from './core/pki/trust-bundle.ts';
export { verifyCode } from './core/verify/code.ts';
export { verifyPdf } from './core/verify/document.ts';
export { verifyCodes } from './core/verify/picture.ts';
export { prepareTrust } from './core/verify/trust.ts';
`;

let built: BuildResult<{ write: false; metafile: true }>;
let metafile: Metafile;

beforeAll(async () => {
  built = await build({
    stdin: { contents: door, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'consul',
    target: 'es2022',
    write: false,
    metafile: true,
    absWorkingDir: root,
    logLevel: 'silent',
    // What a browser has not is left out of the bundle and found below.
    external: ['node:*'],
  });
  metafile = built.metafile;
});

describe('what verification is made of', () => {
  it('imports no module of Node', () => {
    const external = Object.values(metafile.inputs).flatMap(({ imports }) =>
      imports.filter((item) => item.external === true).map(({ path }) => path),
    );
    expect(external).toEqual([]);
  });

  it('comes from rooms and packages that run anywhere', () => {
    const inputs = Object.keys(metafile.inputs).filter((path) => path !== '<stdin>');
    const rooms = new Set(
      inputs.map((path) => /^core\/(?:pdf\/read|[a-z]+)/.exec(path)?.[0]).filter(Boolean),
    );
    for (const room of ['core/store', 'core/issuance', 'core/casework', 'core/procedures'])
      expect(rooms).not.toContain(room);
    const packages = new Set(
      inputs.flatMap(
        (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(path)?.[1] ?? [],
      ),
    );
    const wanted = ['@sinclair/typebox', 'canonicalize', 'cborg', 'dijkstrajs', 'qrcode'];
    expect([...packages].filter((name) => !wanted.includes(name))).toEqual([]);
  });

  it('names nothing that only Node has', async () => {
    const own = Object.keys(metafile.inputs).filter((path) => /^core\/.*\.ts$/.test(path));
    expect(own.length).toBeGreaterThan(60);
    for (const path of own) {
      // Without types and comments.
      const { code } = await transform(await readFile(join(root, path), 'utf8'), {
        loader: 'ts',
        minifyWhitespace: true,
      });
      expect(code, path).not.toMatch(/(?<![\w$.'"`-])(?:Buffer|process|require|__dirname|setImmediate)[.([]/);
    }
  });
});

/** Runs in a thread from which everything that only Node has was taken away. */
const page = (code: string): string => `
const { parentPort, workerData } = require('node:worker_threads');
for (const name of ['Buffer', 'process', 'global', 'setImmediate', 'clearImmediate'])
  Object.defineProperty(globalThis, name, { value: undefined, configurable: true });
const consul = new Function('require', 'module', 'exports', ${JSON.stringify(`${code}\nreturn consul;`)})();
const none = async () => ({ codes: [], readers: [] });
(async () => {
  const backend = consul.webBackend(globalThis.crypto);
  const trust = consul.prepareTrust(await consul.openTrustBundle(workerData.trust, backend), backend);
  const reports = [];
  for (const { bytes, text, language } of workerData.jobs) {
    const context = { trust, now: workerData.now, language, foreignTrust: workerData.foreignTrust };
    reports.push(bytes ? await consul.verifyPdf(bytes, context, none) : await consul.verifyCode({ text }, context));
  }
  parentPort.postMessage(JSON.stringify(reports));
})().catch((error) => parentPort.postMessage('failed: ' + error.stack));
`;

interface Job {
  readonly bytes?: Uint8Array;
  readonly text?: string;
  readonly language: 'fr' | 'en';
}

describe('a verdict', () => {
  it('is the same in a browser', async () => {
    const cast = await ceremonyCast();
    const [genuine, arabic, stampless] = await Promise.all([
      makeDocument(cast),
      makeDocument(cast, { record: arabicRecord }),
      makeDocument(cast, { token: () => undefined }),
    ]);
    const forged = await makeDocument(await ceremonyCast());
    const salts = { 'garant.adresse': '00'.repeat(16), 'garant.profession': '11'.repeat(16) };
    const withPrivate = await makeDocument(cast, { salts });
    const shown = await makePresentation(
      recordDisclosures({ blocks: latinRecord.blocks, salts }),
      ({ field }) => field === 'garant.profession',
      nodeBackend,
    );
    const presentation = presentationUrl(sealUrl(withPrivate.cose, host), shown);
    const foreignSigner = party('signer');
    const lasting = await archived(genuine.file, cast);
    const strange = await archived(genuine.file, cast, { evidence: await evidenceOf(await ceremonyCast()) });
    const jobs: readonly Job[] = [
      { bytes: genuine.file, language: 'fr' },
      { bytes: arabic.file, language: 'en' },
      { bytes: stampless.file, language: 'fr' },
      { bytes: forged.file, language: 'en' },
      { bytes: flipped(genuine.file, 30_000, 1), language: 'fr' },
      { bytes: genuine.file.slice(0, 20_000), language: 'en' },
      { bytes: lasting, language: 'fr' },
      { bytes: flipped(lasting, lasting.length - 3000, 1), language: 'en' },
      { bytes: strange, language: 'fr' },
      { text: sealUrl(genuine.cose, host), language: 'fr' },
      { text: sealUrl(forged.cose, host), language: 'en' },
      { text: 'HC1:NOT OURS', language: 'fr' },
      { bytes: withPrivate.file, language: 'fr' },
      { text: presentation, language: 'en' },
      { text: presentation.replace(/..$/, 'AA'), language: 'fr' },
      { text: twoDDocText(foreignSigner.privateKey), language: 'fr' },
      { text: twoDDocText(party('other').privateKey), language: 'en' },
    ];
    const trust = await trustBytes(cast);
    const list = [{ publicKey: Buffer.from(foreignSigner.spki).toString('base64'), '2d-doc': 'FR00 0001' }];
    const foreignTrust = [{ name: 'list.json', bytes: utf8(JSON.stringify(list)) }];
    const [file] = built.outputFiles;
    const answer = await new Promise<string>((resolve, reject) => {
      const worker = new Worker(page(file?.text ?? ''), {
        eval: true,
        workerData: { jobs, trust, foreignTrust, now: times.now },
      });
      worker.once('message', resolve);
      worker.once('error', reject);
    });

    const prepared = prepareTrust(await openTrustBundle(trust, nodeBackend), nodeBackend);
    const reports = [];
    for (const { bytes, text, language } of jobs) {
      const context: VerifyContext = { trust: prepared, now: times.now, language, foreignTrust };
      reports.push(
        bytes
          ? await verifyPdf(bytes, context, async () => ({ codes: [], readers: [] }))
          : await verifyCode({ text: text ?? '' }, context),
      );
    }
    expect(JSON.parse(answer)).toEqual(JSON.parse(JSON.stringify(reports)));
    expect(reports.map(({ indication }) => indication)).toEqual([
      'TOTAL-PASSED',
      'TOTAL-PASSED',
      'INDETERMINATE',
      'TOTAL-FAILED',
      'TOTAL-FAILED',
      'TOTAL-FAILED',
      'TOTAL-PASSED',
      'TOTAL-FAILED',
      'INDETERMINATE',
      'TOTAL-PASSED',
      'INDETERMINATE',
      'TOTAL-FAILED',
      'TOTAL-PASSED',
      'TOTAL-PASSED',
      'TOTAL-FAILED',
      'TOTAL-PASSED',
      'TOTAL-FAILED',
    ]);
  });
});
