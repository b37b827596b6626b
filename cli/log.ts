import { createHash } from 'node:crypto';
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
import { postHome, postPaths } from '../core/store/post-folder.ts';
import { readPublished } from '../core/store/tiles.ts';
import { readInput } from './input-file.ts';
import { audit, cosign, timestamp } from './log-audit.ts';
import { type CommonOptions, exitStatus, messageLanguage, printJson } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { withPost } from './post.ts';
import { newCommand, run, withCommonOptions, withKeyOptions } from './program.ts';
import { readTrustFile } from './trust-file.ts';
import { say } from './words.ts';

/** Larger files are no documents of ours. */
const maxBytes = 64 * 1024 * 1024;

async function prove(number: string, options: CommonOptions & { out?: string }): Promise<void> {
  await withPost(options, async (post) => {
    const document = await findDocument(post.store.read, number);
    if (!document || document.leafIndex === null)
      throw new ConsulError('REQUEST_UNKNOWN', `there is no document ${number} in the log`);
    const published = await readPublished(post.paths.log, nodeBackend);
    if (!published) throw new ConsulError('LOG_INCONSISTENT', 'the log has no checkpoint');
    const proof = await published.proof(document.leafIndex);
    const index = document.leafIndex;
    if (options.out) await writeOutput(options.out, proof);
    if (options.json)
      printJson({ number, index, ...(options.out ? { out: options.out } : { proof: fromUtf8(proof) }) });
    else if (!options.out) process.stdout.write(proof);
    else if (!options.quiet)
      process.stdout.write(`${say(messageLanguage(options), 'log.proven', { file: options.out, number })}\n`);
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
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    throw new ConsulError('SEAL_INVALID', `${file} is neither a PDF nor a seal`, { cause });
  }
  return readCarrier(text.trim()).cose;
}

const fromLatin = (bytes: Uint8Array, length: number): string =>
  String.fromCharCode(...bytes.subarray(0, length));

interface VerifyOptions extends CommonOptions {
  trust?: string;
  proof?: string;
}

async function verify(file: string, options: VerifyOptions): Promise<void> {
  const bytes = await readInput(file, maxBytes);
  const seal = sealIn(bytes, file);
  const embedded = fromLatin(bytes, 5) === '%PDF-' ? readAttachments(readPdf(bytes)) : [];
  const proof = options.proof
    ? await readInput(options.proof, maxBytes)
    : embedded.find((attachment) => attachment.name === 'log.tlog-proof')?.bytes;
  if (!proof) throw new ConsulError('USAGE', `${file} holds no log proof: name one with --proof`);
  const bundle = await openTrustBundle(await readTrustFile(options), nodeBackend);
  const { post } = readSeal(seal).claims.document;
  const keys = bundle.logs.filter((log) => log.post === post).map(({ key }) => key);
  if (keys.length === 0)
    throw new ConsulError('LOG_PROOF_INVALID', `the trust bundle knows no log of ${post}`);
  const entry = createHash('sha256').update(seal).digest();
  const verdict = await verifyProof(proof, entry, keys, nodeBackend);
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
  else {
    const language = messageLanguage(options);
    const text = verdict.valid
      ? say(language, 'log.entry', { index: verdict.index, post, size: verdict.checkpoint.size })
      : say(language, 'log.absent', { reason: verdict.message });
    process.stdout.write(`${text}\n`);
  }
  process.exitCode = verdict.valid ? exitStatus.passed : exitStatus.failed;
}

async function checkpoint(options: CommonOptions): Promise<void> {
  const text = await readInput(
    join(postPaths(postHome(options.home, process.env)).log, 'checkpoint'),
    maxBytes,
  );
  if (options.json) printJson({ checkpoint: fromUtf8(text) });
  else process.stdout.write(text);
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
  withCommonOptions(
    command
      .command('audit')
      .description('Replays a whole log, compares checkpoints and the register with it'),
  )
    .argument('[place]', "folder or URL of a log (the post's own with its register without it)")
    .option('--trust <file>', "the trust bundle (else CONSUL_TRUST, else the post's own)")
    .option('--post <code>', 'whose log it is, where the trust bundle knows several')
    .option('--checkpoint <file...>', 'checkpoints seen before, which the log must continue')
    .option('--witness <key...>', 'verifier keys of witnesses whose cosignatures are checked')
    .action(audit);
  withKeyOptions(
    command.command('timestamp').description('Time-stamps the checkpoint of today (RFC 3161); run it daily'),
  ).action(timestamp);
  withCommonOptions(
    command.command('cosign').description('Adds cosignatures of witnesses to the published checkpoint'),
  )
    .argument('<source>', 'URL of a witness (C2SP tlog-witness), or a file of its signature lines')
    .requiredOption('--witness <key...>', 'verifier keys of the witnesses')
    .action(cosign);
  await run(command, argv);
}
