import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromUtf8 } from '../core/bytes.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { verifyProof } from '../core/log/proof.ts';
import { readAttachments } from '../core/pdf/read/attachments.ts';
import { readPdf } from '../core/pdf/read/document.ts';
import { openTrustBundle } from '../core/pki/trust-bundle.ts';
import { readCarrier } from '../core/seal/carrier.ts';
import { readSeal } from '../core/seal/seal.ts';
import { findDocument } from '../core/store/document.ts';
import { writeDurably } from '../core/store/durable-file.ts';
import { postHome, postPaths } from '../core/store/post-folder.ts';
import { readPublished } from '../core/store/tiles.ts';
import { withPost } from './post.ts';
import { type CommonOptions, exitStatus, newCommand, printJson, run, withCommonOptions } from './program.ts';

async function read(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new ConsulError('FILE_UNREADABLE', `cannot read ${file} (${cause.code})`, { cause });
  });
}

async function prove(number: string, options: CommonOptions & { out?: string }): Promise<void> {
  await withPost(options, async (post) => {
    const document = await findDocument(post.store.read, number);
    if (!document || document.leafIndex === null)
      throw new ConsulError('REQUEST_UNKNOWN', `there is no document ${number} in the log`);
    const published = await readPublished(post.paths.log, nodeBackend);
    if (!published) throw new ConsulError('LOG_INCONSISTENT', 'the log has no checkpoint');
    const proof = await published.proof(document.leafIndex);
    if (options.out) await writeDurably(options.out, proof);
    else process.stdout.write(proof);
  });
}

/** The seal of a PDF, of a COSE file or of a QR text: its SHA-256 is the entry in the log. */
function sealIn(bytes: Uint8Array, file: string): Uint8Array {
  if (bytes[0] === 0xd2) return bytes;
  if (fromLatin(bytes, 5) === '%PDF-') {
    const seal = readAttachments(readPdf(bytes)).find((attachment) => attachment.name === 'seal.cose');
    if (!seal) throw new ConsulError('SEAL_INVALID', `${file} holds no seal`);
    return seal.bytes;
  }
  return readCarrier(fromUtf8(bytes).trim()).cose;
}

const fromLatin = (bytes: Uint8Array, length: number): string =>
  String.fromCharCode(...bytes.subarray(0, length));

interface VerifyOptions extends CommonOptions {
  trust?: string;
  proof?: string;
}

async function verify(file: string, options: VerifyOptions): Promise<void> {
  const bytes = await read(file);
  const seal = sealIn(bytes, file);
  const embedded = fromLatin(bytes, 5) === '%PDF-' ? readAttachments(readPdf(bytes)) : [];
  const proof = options.proof
    ? await read(options.proof)
    : embedded.find((attachment) => attachment.name === 'log.tlog-proof')?.bytes;
  if (!proof) throw new ConsulError('USAGE', `${file} holds no log proof: name one with --proof`);
  const trustFile =
    options.trust ?? process.env.CONSUL_TRUST ?? postPaths(postHome(options.home, process.env)).trust;
  const bundle = await openTrustBundle(await read(trustFile), nodeBackend);
  const { post } = readSeal(seal).claims.document;
  const log = bundle.logs.find((each) => each.post === post);
  if (!log) throw new ConsulError('LOG_PROOF_INVALID', `the trust bundle knows no log of ${post}`);
  const entry = createHash('sha256').update(seal).digest();
  const verdict = await verifyProof(proof, entry, log.key, nodeBackend);
  if (options.json)
    printJson(
      verdict.valid
        ? {
            valid: true,
            index: verdict.index,
            ...verdict.checkpoint,
            root: Buffer.from(verdict.checkpoint.root).toString('base64'),
          }
        : verdict,
    );
  else if (verdict.valid)
    process.stdout.write(`entry ${verdict.index} of the log of ${post}, size ${verdict.checkpoint.size}\n`);
  else process.stdout.write(`not in the log: ${verdict.message}\n`);
  process.exitCode = verdict.valid ? exitStatus.passed : exitStatus.failed;
}

async function checkpoint(options: CommonOptions): Promise<void> {
  const text = await read(join(postPaths(postHome(options.home, process.env)).log, 'checkpoint'));
  process.stdout.write(text);
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul log', 'The transparency log (C2SP tlog-tiles, tlog-proof)');
  withCommonOptions(
    command.command('prove').description('Writes the tlog-proof of a document').argument('<number>'),
  )
    .option('--out <file>', 'where to write it (standard output without it)')
    .action(prove);
  withCommonOptions(
    command.command('verify').description('Checks offline that a document, seal or QR text is in the log'),
  )
    .argument('<file>', 'PDF, COSE file or text of the QR code')
    .option('--proof <file>', 'a tlog-proof (else the one inside the PDF)')
    .option('--trust <file>', "the trust bundle (else CONSUL_TRUST, else the post's own)")
    .action(verify);
  withCommonOptions(command.command('checkpoint').description('Prints the newest signed checkpoint')).action(
    checkpoint,
  );
  await run(command, argv);
}
