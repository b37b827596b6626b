import { join } from 'node:path';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { stampCheckpoint, stampedCheckpoints, stampFault } from '../core/issuance/log-timestamps.ts';
import { knownAuthorities, remoteAuthority } from '../core/issuance/remote-authority.ts';
import { type AuditFinding, auditLog, compareCheckpoints } from '../core/log/audit.ts';
import { toBase64 } from '../core/log/base64.ts';
import { type Checkpoint, type CheckpointVerdict, checkCheckpoint } from '../core/log/checkpoint.ts';
import { httpLogFiles } from '../core/log/http.ts';
import { importVerifierKey, type NoteVerifier } from '../core/log/note.ts';
import type { LogFiles } from '../core/log/reader.ts';
import { askWitness, readCosignatures } from '../core/log/witness.ts';
import { openTrustBundle, type TrustBundle } from '../core/pki/trust-bundle.ts';
import { leafEntries } from '../core/store/leaf.ts';
import { anchorPaths } from '../core/store/post-folder.ts';
import { readIfThere } from '../core/store/read-file.ts';
import { openTileStore, readPublished } from '../core/store/tiles.ts';
import { prepareTrust } from '../core/verify/trust.ts';
import { green, red } from './colour.ts';
import { readInput } from './input-file.ts';
import { type CommonOptions, exitStatus, messageLanguage, printJson } from './outcome.ts';
import { openAuthority } from './own-authority.ts';
import { withPost } from './post.ts';
import { pathFault } from './timestamp.ts';
import { readTrustFile } from './trust-file.ts';
import { clockTime, say } from './words.ts';

const maxCheckpoint = 256 * 1024;
const timeoutMs = 30_000;
const isUrl = (place: string): boolean => /^https?:\/\//.test(place);
const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);

const folderFiles =
  (folder: string): LogFiles =>
  (path) =>
    readIfThere(join(folder, path));

/** The keys of the log of a post, the present one first: a log goes on under another key. */
async function logKeys(bundle: TrustBundle, post: string | undefined): Promise<readonly NoteVerifier[]> {
  const codes = [...new Set(bundle.logs.map((log) => log.post))];
  const [code, ...others] = codes.filter((each) => post === undefined || each === post);
  if (code === undefined || others.length > 0)
    throw new ConsulError(
      'USAGE',
      `name the post whose log it is with --post; the trust bundle knows ${codes.join(', ')}`,
    );
  const keys = bundle.logs.filter((log) => log.post === code);
  return Promise.all(keys.map(({ key }) => importVerifierKey(key, nodeBackend)));
}

/** The verdict on a checkpoint by the first of the log's keys that it is right under. */
async function checkByAny(
  bytes: Uint8Array,
  keys: readonly NoteVerifier[],
  witnesses: readonly NoteVerifier[] = [],
): Promise<CheckpointVerdict> {
  let first: CheckpointVerdict | undefined;
  for (const key of keys) {
    const verdict = await checkCheckpoint(bytes, key, witnesses);
    if (verdict.valid) return verdict;
    first ??= verdict;
  }
  return first ?? { valid: false, reason: 'signature', message: 'the trust bundle knows no log' };
}

const witnessKeys = (keys: readonly string[] = []): Promise<NoteVerifier[]> =>
  Promise.all(keys.map((key) => importVerifierKey(key, nodeBackend)));

interface Seen {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Those that the log signed, and what is wrong with the others. */
async function signedOnes(seen: readonly Seen[], log: readonly NoteVerifier[]) {
  const checkpoints: { path: string; checkpoint: Checkpoint }[] = [];
  const findings: AuditFinding[] = [];
  for (const { path, bytes } of seen) {
    const verdict = await checkByAny(bytes, log).catch((error: unknown): CheckpointVerdict => {
      if (!(error instanceof ConsulError)) throw error;
      return { valid: false, reason: 'signature', message: error.message };
    });
    if (verdict.valid) checkpoints.push({ path, checkpoint: verdict.checkpoint });
    else findings.push({ path, message: verdict.message });
  }
  return { checkpoints, findings };
}

interface AuditOptions extends CommonOptions {
  trust?: string;
  post?: string;
  checkpoint?: readonly string[];
  witness?: readonly string[];
}

interface Subject {
  readonly files: LogFiles;
  readonly log: readonly NoteVerifier[];
  /** Checkpoints that the log must have gone through. */
  readonly seen: readonly Seen[];
  readonly found: readonly AuditFinding[];
  readonly committed?: (from: number, to: number) => Promise<readonly Uint8Array[]>;
}

/** Checks a log from its first entry to its newest checkpoint, and says what does not agree. */
async function auditSubject(subject: Subject, options: AuditOptions): Promise<void> {
  const { files, log, seen, found, committed } = subject;
  const note = await files('checkpoint');
  if (!note) throw new ConsulError('CHECKPOINT_INVALID', 'there is no checkpoint at that place');
  const verdict = await checkByAny(note, log, await witnessKeys(options.witness));
  if (!verdict.valid) throw new ConsulError('CHECKPOINT_INVALID', verdict.message);
  const { checkpoint, cosignatures } = verdict;
  const findings = [...found, ...(await auditLog(files, checkpoint, digest, committed))];
  const signed = await signedOnes(seen, log);
  findings.push(...signed.findings);
  // Tiles that are wrong prove nothing about older states.
  if (findings.length === 0)
    findings.push(...(await compareCheckpoints(files, checkpoint, signed.checkpoints, digest)));
  report({ checkpoint, cosignatures, findings, checked: signed.checkpoints.length }, options);
}

interface Outcome {
  readonly checkpoint: Checkpoint;
  readonly cosignatures: readonly { readonly witness: string; readonly time: number }[];
  readonly findings: readonly AuditFinding[];
  readonly checked: number;
}

function report({ checkpoint, cosignatures, findings, checked }: Outcome, options: AuditOptions): void {
  const { origin, size } = checkpoint;
  const root = toBase64(checkpoint.root);
  const intact = findings.length === 0;
  if (options.json) printJson({ intact, origin, size, root, cosignatures, checkpoints: checked, findings });
  else {
    const language = messageLanguage(options);
    for (const { path, message } of findings) process.stdout.write(`${red('✘')} ${path}: ${message}\n`);
    const verdict = intact
      ? say(language, 'audit.intact')
      : say(language, 'audit.faults', { count: findings.length });
    const mark = intact ? green('✔') : red('✘');
    process.stdout.write(`${say(language, 'log.audited', { mark, size, root, checked, verdict })}\n`);
    for (const { witness, time } of cosignatures)
      process.stdout.write(
        `${say(language, 'log.cosigned', { witness, time: clockTime(new Date(time * 1000)) })}\n`,
      );
  }
  process.exitCode = intact ? exitStatus.passed : exitStatus.failed;
}

/** Those of the days before, and what is wrong with their time-stamps. */
async function stampedBefore(folder: string, log: readonly NoteVerifier[], bundle: TrustBundle) {
  const trust = prepareTrust(bundle, nodeBackend);
  const seen: Seen[] = [];
  const found: AuditFinding[] = [];
  for (const stamped of await stampedCheckpoints(folder)) {
    const fault = await stampFault(stamped, log, ({ certificate, info }) =>
      pathFault(trust, certificate.bytes, info.genTime),
    );
    if (fault === undefined) seen.push({ path: stamped.file, bytes: stamped.checkpoint });
    else found.push({ path: stamped.file, message: fault });
  }
  return { seen, found };
}

const filesNamed = (paths: readonly string[] = []): Promise<Seen[]> =>
  Promise.all(paths.map(async (path) => ({ path, bytes: await readInput(path, maxCheckpoint) })));

/** The newest checkpoint that whoever made the trust bundle knew. */
const carriedBy = ({ checkpoints = [], logs }: TrustBundle, post = logs[0]?.post): Seen[] =>
  checkpoints
    .filter((known) => known.post === post)
    .map(({ checkpoint }) => ({ path: 'trust bundle', bytes: checkpoint }));

export async function audit(place: string | undefined, options: AuditOptions): Promise<void> {
  const bundle = await openTrustBundle(await readTrustFile(options), nodeBackend);
  const named = await filesNamed(options.checkpoint);
  if (place !== undefined) {
    const log = await logKeys(bundle, options.post);
    named.push(...carriedBy(bundle, options.post));
    if (isUrl(place)) {
      const files = httpLogFiles({ url: place, fetch: globalThis.fetch, timeoutMs });
      return auditSubject({ files, log, seen: named, found: [] }, options);
    }
    const { seen, found } = await stampedBefore(place, log, bundle);
    return auditSubject({ files: folderFiles(place), log, seen: [...seen, ...named], found }, options);
  }
  await withPost(options, async ({ paths, settings, store }) => {
    const log = await logKeys(bundle, settings.post.code);
    const { seen, found } = await stampedBefore(paths.log, log, bundle);
    named.push(...carriedBy(bundle, settings.post.code));
    const second = anchorPaths(paths.home, settings).checkpoint;
    await auditSubject(
      {
        files: folderFiles(paths.log),
        log,
        seen: [...seen, ...(await filesNamed([second])), ...named],
        found,
        committed: (from, to) => leafEntries(store.read, from, to),
      },
      options,
    );
  });
}

export async function timestamp(options: CommonOptions): Promise<void> {
  await withPost(options, async (post) => {
    const { url } = post.settings.timestamp;
    const source =
      url === undefined
        ? await openAuthority(post, options)
        : remoteAuthority({ url, known: await knownAuthorities(post.paths) });
    const { file, stamped } = await stampCheckpoint(post.paths.log, source, new Date());
    if (options.json) printJson({ file, stamped });
    else if (!options.quiet) {
      const key = stamped ? 'log.stamped' : 'log.stampedBefore';
      process.stdout.write(`${say(messageLanguage(options), key, { file })}\n`);
    }
  });
}

export async function cosign(
  source: string,
  options: CommonOptions & { witness: readonly string[] },
): Promise<void> {
  const witnesses = await witnessKeys(options.witness);
  await withPost(options, async ({ paths, settings }) => {
    const published = await readPublished(paths.log, nodeBackend);
    if (!published) throw new ConsulError('CHECKPOINT_INVALID', 'the log has no checkpoint');
    const { checkpoint: note, size, consistency: proof } = published;
    const cosignatures = isUrl(source)
      ? await askWitness({ note, size, proof }, { url: source, fetch: globalThis.fetch, timeoutMs })
      : readCosignatures(await readInput(source, maxCheckpoint), note);
    const tiles = openTileStore(paths.log, anchorPaths(paths.home, settings).checkpoint, nodeBackend);
    const cosigned = await tiles.cosign(cosignatures, witnesses);
    if (options.json) printJson({ checkpoint: Buffer.from(cosigned).toString('utf8') });
    else if (!options.quiet) process.stdout.write(cosigned);
  });
}
