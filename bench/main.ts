/**
 * npm run bench: what each step costs on this machine, in one run, mostly as ratios to raw cryptography or to the habit.
 * `--register N` also fills a register of N documents and compares the cost of a document with that at 1,000.
 */
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { shipped } from '../cli/shipped.ts';
import { prepareSignedData } from '../core/cms/make.ts';
import { oids } from '../core/cms/oid.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { groupsAtOnce } from '../core/issuance/batch.ts';
import { decidedDraft } from '../core/issuance/decided.ts';
import { readAttachments } from '../core/pdf/read/attachments.ts';
import { readPdf } from '../core/pdf/read/document.ts';
import type { DocumentRecord } from '../core/pdf/record.ts';
import { certifiedSigner } from '../core/pki/file-signer.ts';
import { openTrustBundle } from '../core/pki/trust-bundle.ts';
import { readCarrier, sealUrl } from '../core/seal/carrier.ts';
import { checkSealSignature, makeSeal, prepareSealSigner, readSeal } from '../core/seal/seal.ts';
import { loadRequest } from '../core/store/request.ts';
import { verifyPdf } from '../core/verify/document.ts';
import { prepareTrust } from '../core/verify/trust.ts';
import { habitualDocument, unsignedPage } from './habit.ts';
import { lastingSignatures, levelOf } from './lasting.ts';
import { line, percent, perSecond, rate, times } from './measure.ts';
import { onOneCore } from './one-core.ts';
import { acceptedRequests, type BenchPost, issueAll, newBenchPost, withProducer } from './post.ts';
import { logProofs, statusListSize } from './scale.ts';

const registerSize = Number(process.argv[process.argv.indexOf('--register') + 1] ?? 0) || 10_000;

/** What the QR code of the habit says. */
const code = 'HTTPS://VERIFIER.EXAMPLE/#';

async function cryptography(): Promise<{ signs: number; verifies: number }> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const data = new Uint8Array(200);
  const signing = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const checking = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const signature = sign('sha256', data, signing);
  const signs = await rate(() => sign('sha256', data, signing));
  const verifies = await rate(() => verify('sha256', data, checking, signature));
  line('raw P-256 signatures (node:crypto)', perSecond(signs));
  line('raw P-256 verifications', perSecond(verifies));
  return { signs, verifies };
}

async function seals(cose: Uint8Array, raw: { signs: number; verifies: number }): Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = certifiedSigner(privateKey, new Uint8Array(600), []);
  const prepared = await prepareSealSigner(signer, nodeBackend);
  const { claims } = readSeal(cose);
  const made = await rate(() => sealUrl(makeSeal(claims, prepared) as Uint8Array, 'verifier.example'));
  line('seals made (claims to QR text)', perSecond(made), percent(made, raw.signs));
  const text = sealUrl((await makeSeal(claims, prepared)) as Uint8Array, 'verifier.example');
  const algorithm = { name: 'ecdsa', curve: 'P-256', hash: 'sha256' } as const;
  const key = await nodeBackend.importPublicKey(algorithm, signer.publicKey);
  const checked = await rate(() => {
    if (!checkSealSignature(readSeal(readCarrier(text).cose), key)) throw new Error('the seal is refused');
  });
  line('seals checked (QR text to verdict)', perSecond(checked), percent(checked, raw.verifies));
}

async function exampleRecord(bench: BenchPost): Promise<DocumentRecord> {
  const [reference] = await acceptedRequests(bench, 1);
  const draft = decidedDraft(await loadRequest(bench.post.store.read, reference ?? ''), {
    procedures: new Map([[bench.procedure.id, bench.procedure]]),
    ...bench.post.settings,
  });
  return draft.compose('PC-2026-000000', 0, new Date()).record;
}

async function habit(bench: BenchPost, record: DocumentRecord): Promise<number> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = readFileSync(join(bench.post.paths.certificates, 'document-signer.cert.pem'), 'utf8');
  const der = new Uint8Array(Buffer.from(certificate.split('-----')[2] ?? '', 'base64'));
  const signer = certifiedSigner(privateKey, der, []);
  const one = (): Promise<Uint8Array> =>
    habitualDocument(record, code, async (bytes) => {
      const cms = await prepareSignedData({
        signer,
        contentType: oids.data,
        includeChain: false,
      });
      return (await cms.sign({ messageDigest: createHash('sha256').update(bytes).digest() })).der;
    });
  await one();
  const start = performance.now();
  const count = 12;
  for (let i = 0; i < count; i++) await one();
  const result = count / ((performance.now() - start) / 1000);
  line(
    'the habit: pdf-lib, PNG, @signpdf with pkijs',
    perSecond(result),
    'B-B, no log, no time-stamp, no register',
  );
  return result;
}

/** Documents a second for so many documents, complete and durable, after `warmUp` documents that are not timed. */
async function issuing(bench: BenchPost, threads: number, count: number, warmUp: number): Promise<number> {
  const references = await acceptedRequests(bench, count);
  const warm = await acceptedRequests(bench, warmUp);
  return withProducer(bench, threads, async (context) => {
    await issueAll(bench, context, warm, groupsAtOnce(threads));
    const start = performance.now();
    await issueAll(bench, context, references, groupsAtOnce(threads));
    return count / ((performance.now() - start) / 1000);
  });
}

/** In a post of its own, so that the register holds what the line says. */
async function registerCost(): Promise<void> {
  const bench = await newBenchPost();
  try {
    await costsBySize(bench);
  } finally {
    await bench.close();
  }
}

async function costsBySize(bench: BenchPost): Promise<void> {
  const measured = 500;
  const sizes = [10, 1000, 10_000, ...(registerSize > 10_000 ? [registerSize] : [])].filter(
    (size) => size <= registerSize,
  );
  let have = 0;
  let base: number | undefined;
  for (const size of sizes) {
    while (have < size) {
      const step = Math.min(2000, size - have);
      await issuing(bench, availableParallelism(), step, 0);
      have += step;
    }
    const cost = 1000 / (await issuing(bench, 0, measured, 0));
    have += measured;
    base ??= cost;
    if (size === 1000) base = cost;
    line(
      `cost of a document, ${size.toLocaleString('en')} in the register`,
      `${cost.toFixed(2)} ms`,
      times(cost / base),
    );
  }
}

/** Median time of a command, NODE_EXTRA_CA_CERTS left out: it adds its own. */
function commandTime(...argv: string[]): number {
  const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
  const all = Array.from({ length: 15 }, () => {
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, argv, { env: environment, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`);
    return performance.now() - start;
  });
  return all.sort((a, b) => a - b)[7] ?? 0;
}

async function startUp(bench: BenchPost, seal: string): Promise<void> {
  const { home } = bench.post.paths;
  const consul = shipped('dist', 'consul.js');
  const bare = commandTime('-e', '0');
  line('node -e 0', `${bare.toFixed(0)} ms`);
  const sealFile = join(home, 'seal.txt');
  writeFileSync(sealFile, seal);
  const verifyTime = commandTime(
    consul,
    'verify',
    sealFile,
    '--home',
    home,
    '--at',
    new Date().toISOString(),
  );
  line('consul verify of a seal', `${verifyTime.toFixed(0)} ms`, times(verifyTime / bare));

  const passphrase = join(home, 'bench-passphrase');
  writeFileSync(passphrase, 'bench-bench-bench-bench-bench\n');
  const references = await acceptedRequests(bench, 16);
  const issue = (): string[] => [
    consul,
    'issue',
    references.pop() ?? '',
    '--home',
    home,
    '--passphrase-file',
    passphrase,
  ];
  commandTime(...issue().slice(0, 1), '--version');
  const all = Array.from({ length: 15 }, () => {
    const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, issue(), { env: environment, encoding: 'utf8' });
    if (status !== 0) throw new Error(`issue ended with ${status}: ${stderr}`);
    return performance.now() - start;
  });
  const issueTime = all.sort((a, b) => a - b)[7] ?? 0;
  line('consul issue of one document', `${issueTime.toFixed(0)} ms`, times(issueTime / bare));
}

async function main(): Promise<void> {
  process.stdout.write(
    `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.versions.node}\n`,
  );
  const raw = await cryptography();
  const bench = await newBenchPost();
  try {
    const record = await exampleRecord(bench);
    const usual = await habit(bench, record);
    const [reference] = await acceptedRequests(bench, 1);
    const [issued] = await withProducer(bench, 0, (context) =>
      issueAll(bench, context, [reference ?? ''], 1),
    );
    const file = new Uint8Array(readFileSync(join(bench.post.paths.documents, issued?.path ?? '')));
    const level = levelOf(file);
    const { result: single, pinned } = await onOneCore(() => issuing(bench, 0, 2000, 200));
    const ratio = `${(single / usual).toFixed(0)} times the habit`;
    line(`documents issued to ${level}, one ${pinned ? 'core' : 'thread'}`, perSecond(single), ratio);
    const all = await issuing(bench, availableParallelism(), 4000, 400);
    line(
      `documents issued to ${level}, ${availableParallelism()} cores`,
      perSecond(all),
      times(all / single),
    );
    await lastingSignatures(await unsignedPage(record, code), raw.verifies);
    line('size of a document', `${(file.length / 1000).toFixed(1)} kB`);
    const cose =
      readAttachments(readPdf(file)).find(({ name }) => name === 'seal.cose')?.bytes ?? new Uint8Array();
    line('size of its seal', `${cose.length} bytes`);
    await seals(cose, raw);

    const trust = prepareTrust(
      await openTrustBundle(readFileSync(bench.post.paths.trust), nodeBackend),
      nodeBackend,
    );
    const context = { trust, now: new Date(), language: 'en' } as const;
    const none = async () => ({ codes: [], readers: [] });
    const { indication, summary } = await verifyPdf(file, context, none);
    if (indication !== 'TOTAL-PASSED') throw new Error(summary);
    const verified = await rate(() => verifyPdf(new Uint8Array(file), context, none), 3);
    line(
      `PDFs of ${level} verified, all checks`,
      perSecond(verified),
      `${(raw.verifies / verified).toFixed(1)} raw verifications each`,
    );

    await logProofs();
    await statusListSize();
    await registerCost();
    await startUp(bench, sealUrl(cose, bench.post.settings.post.verifierHost));
  } finally {
    await bench.close();
  }
}

await main();
