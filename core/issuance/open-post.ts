import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes, toHex } from '../bytes.ts';
import { prepareSignedData, type SignedDataOptions } from '../cms/make.ts';
import { oids } from '../cms/oid.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import { parseNote } from '../log/note.ts';
import { templateFor } from '../pdf/choice.ts';
import type { SignatureLevel } from '../pdf/level.ts';
import { defaultRepertoire, loadTemplate, serializeTemplate } from '../pdf/template.ts';
import { parseCertificate } from '../pki/certificate.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import { sha256 } from '../store/canonical.ts';
import { writeDurably } from '../store/durable-file.ts';
import {
  type CertifiedKeyName,
  certificateFile,
  type KeyRing,
  type KeySecrets,
  openKeyRing,
} from '../store/keys.ts';
import { logSize } from '../store/leaf.ts';
import { exists, pkiPaths } from '../store/pki-folder.ts';
import { anchorPaths, type PostPaths, postPaths, readSettings, type Settings } from '../store/post-folder.ts';
import { readIfThere } from '../store/read-file.ts';
import { openStore, type Store } from '../store/store.ts';
import { openTileStore } from '../store/tiles.ts';
import { readFonts } from './font-folder.ts';
import type { IssuingContext } from './issue.ts';
import { logOrigin } from './log-origin.ts';
import { openProducer, type ProducerSetup, type SignerMaterial } from './producer.ts';
import { knownAuthorities } from './remote-authority.ts';
import { bearsTravelSeal, noTravelSigner } from './travel-seal.ts';
import { type SignedWith, type ValidationPlace, validationData } from './validation-data.ts';
import { producerPool } from './worker-pool.ts';

/** A post whose database is open. */
export interface OpenPost {
  readonly paths: PostPaths;
  readonly settings: Settings;
  readonly store: Store;
  close(): Promise<void>;
}

/** @throws ConsulError POST_MISSING, POST_INVALID, POST_NEWER, POST_ROLLED_BACK, CHECKPOINT_INVALID */
export async function openPost(home: string): Promise<OpenPost> {
  const settings = await readSettings(home);
  const paths = postPaths(home);
  const anchor = anchorPaths(home, settings);
  const store = await openStore(paths.database, { anchor: anchor.journal });
  try {
    await demandNewest(store, anchor.checkpoint);
  } catch (error) {
    await store.close();
    throw error;
  }
  return { paths, settings, store, close: () => store.close() };
}

/**
 * Refuses a database with fewer log entries than the checkpoint outside it was signed over, before it gives numbers a
 * second time. The signature is checked when the log is continued.
 */
async function demandNewest(store: Store, file: string): Promise<void> {
  // The checkpoint first: another process may issue meanwhile, and the database is always the first to move.
  const note = await readIfThere(file);
  if (!note) throw new ConsulError('POST_ROLLED_BACK', `the checkpoint ${file} is missing`);
  const { size } = parseCheckpoint(parseNote(note).text);
  const present = await logSize(store.read);
  if (present < size)
    throw new ConsulError(
      'POST_ROLLED_BACK',
      `the database has ${present} log entries, but ${file} was signed over ${size}`,
    );
}

/** A signer for this thread, and what a thread of its own opens it from. */
interface OpenSigner {
  readonly signer: CertifiedSigner;
  readonly material: SignerMaterial;
}

async function openSigner(ring: KeyRing, name: CertifiedKeyName): Promise<OpenSigner> {
  const [signer, source] = await Promise.all([ring.certified(name), ring.source(name)]);
  const { certificate, chain } = signer;
  return { signer, material: { source, certificate, chain } };
}

/** A signer out of its time must not sign: everything that it would issue is refused by every verifier. */
export function demandInForce(
  name: CertifiedKeyName,
  { certificate }: Pick<CertifiedSigner, 'certificate'>,
  now: Date,
): void {
  const { notBefore, notAfter } = parseCertificate(certificate);
  if (now < notBefore)
    throw new ConsulError(
      'CERTIFICATE_NOT_YET_VALID',
      `the certificate of the ${name} is valid only from ${notBefore.toISOString()}`,
    );
  if (now > notAfter)
    throw new ConsulError(
      'CERTIFICATE_EXPIRED',
      `the certificate of the ${name} expired on ${notAfter.toISOString()}`,
    );
}

/** The page template is compiled once for a post and kept; loading it needs no PDF or font library. */
async function pageTemplate(paths: PostPaths, fonts: string): Promise<Uint8Array> {
  const file = join(paths.cache, 'page.template');
  const kept = await readIfThere(file);
  if (kept && loadTemplate(kept)) return kept;
  const { compileTemplate } = await import('../pdf/compile.ts');
  const bytes = serializeTemplate(
    compileTemplate({ fonts: readFonts(fonts), repertoire: defaultRepertoire }),
  );
  await mkdir(paths.cache, { recursive: true });
  await writeDurably(file, bytes);
  return bytes;
}

/** Made with pkijs once for a signer and kept: loading it takes longer than issuing a document. */
async function cmsSkeleton(
  paths: PostPaths,
  signer: CertifiedSigner,
  content: 'document' | 'token',
): Promise<Uint8Array> {
  const fingerprint = toHex(sha256(concatBytes(signer.certificate, ...signer.chain))).slice(0, 32);
  const file = join(paths.cache, `${content}-${fingerprint}.cms`);
  const kept = await readIfThere(file);
  const options = {
    signer,
    contentType: content === 'document' ? oids.data : oids.tstInfo,
    includeChain: true,
  } as const;
  if (kept && (await isUsable({ ...options, skeleton: new Uint8Array(kept) }))) return new Uint8Array(kept);
  const { skeleton } = await prepareSignedData(options);
  await writeDurably(file, skeleton);
  return skeleton;
}

/** A damaged copy is made anew. */
async function isUsable(options: SignedDataOptions): Promise<boolean> {
  try {
    await prepareSignedData(options);
    return true;
  } catch (error) {
    if (error instanceof ConsulError) return false;
    throw error;
  }
}

export interface IssuingOptions extends KeySecrets {
  readonly clock: () => Date;
  /** Folder of the shipped fonts. */
  readonly fonts: string;
  /** Threads besides this one that make documents; 0: this one makes them. */
  readonly threads: number;
  /** The bundled worker.ts, needed for threads. */
  readonly workerScript: string;
  readonly settle: IssuingContext['settle'];
  /** Level of the signatures; left out it is that of the settings, or a lower one where that cannot be reached now. */
  readonly level?: SignatureLevel;
  /** Is told what keeps documents from their level. */
  readonly warn: (warning: ConsulError) => void;
}

/** What signatures are taken to, and what they are validated with there. */
async function levelAtHand(
  place: ValidationPlace,
  signers: readonly SignedWith[],
  { settings }: OpenPost,
  { level: asked, warn }: IssuingOptions,
): Promise<Pick<ProducerSetup, 'level' | 'validation'>> {
  const level = asked ?? settings.signature?.level ?? 'B-LTA';
  if (level === 'B-B' || level === 'B-T') return { level, validation: undefined };
  try {
    return { level, validation: await validationData(place, signers) };
  } catch (error) {
    if (!(error instanceof ConsulError) || error.code !== 'CRL_UNAVAILABLE' || asked !== undefined)
      throw error;
    warn(error);
    return { level: 'B-T', validation: undefined };
  }
}

/**
 * Opens the keys of a post and prepares all that is the same for every document.
 * @throws ConsulError PASSPHRASE_WRONG, CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, KEY_INVALID, PIN_WRONG,
 *   TOKEN_UNAVAILABLE, CERTIFICATE_REVOKED; CRL_UNAVAILABLE where a level was asked for that cannot be reached
 */
export async function openIssuing(post: OpenPost, options: IssuingOptions): Promise<IssuingContext> {
  const { paths, settings, store } = post;
  const ring = openKeyRing(paths, options, settings.keys);
  const { url } = settings.timestamp;
  const [document, seal, authority, logSigner, template] = await Promise.all([
    openSigner(ring, 'document-signer'),
    openSigner(ring, 'seal-signer'),
    url === undefined ? openSigner(ring, 'tsa') : undefined,
    ring.signer('log'),
    pageTemplate(paths, options.fonts),
  ]);
  const travelSeal = (await exists(certificateFile(paths, 'vds-signer')))
    ? await openSigner(ring, 'vds-signer')
    : undefined;
  const now = options.clock();
  demandInForce('document-signer', document.signer, now);
  demandInForce('seal-signer', seal.signer, now);
  if (authority) demandInForce('tsa', authority.signer, now);
  const place: ValidationPlace = {
    store,
    paths: pkiPaths(paths),
    trust: paths.trust,
    clock: () => new Date(Math.floor(options.clock().getTime() / 1000) * 1000),
    issuing: {
      certificate: document.signer.chain[0] ?? new Uint8Array(),
      signer: () => ring.signer('issuing-ca'),
    },
  };
  const at = place.clock();
  const signers: SignedWith[] = [
    { use: 'signature', certificate: document.signer.certificate, at },
    ...(authority ? [{ use: 'timestamp', certificate: authority.signer.certificate, at } as const] : []),
  ];
  // The authorities above that of time-stamps stand beside the signature, and again in the store of validation data.
  const alone = authority && { ...authority.signer, chain: [] };
  const setup: ProducerSetup = {
    ...(await levelAtHand(place, signers, post, options)),
    document: document.material,
    seal: seal.material,
    travelSeal: travelSeal?.material,
    timestamp: authority
      ? { kind: 'own', authority: { ...authority.material, chain: [] } }
      : { kind: 'remote', url: url ?? '', known: await knownAuthorities(paths) },
    verifierHost: settings.post.verifierHost,
    documents: paths.documents,
    fonts: options.fonts,
    template,
    skeletons: {
      document: await cmsSkeleton(paths, document.signer, 'document'),
      token: alone && (await cmsSkeleton(paths, alone, 'token')),
    },
  };
  const prepared = loadTemplate(template);
  if (!prepared) throw new ConsulError('INTERNAL', 'the prepared page template is damaged');
  return {
    post: settings.post,
    signatory: settings.signatory,
    store,
    tiles: openTileStore(paths.log, anchorPaths(paths.home, settings).checkpoint, nodeBackend),
    log: { origin: logOrigin(settings.post), signer: logSigner },
    producer:
      options.threads > 0
        ? producerPool(setup, options.workerScript, options.threads)
        : await openProducer(setup),
    clock: options.clock,
    random: nodeBackend.random,
    printable: async (record) => {
      if (bearsTravelSeal(record)) {
        if (!travelSeal) throw noTravelSigner();
        demandInForce('vds-signer', travelSeal.signer, options.clock());
      }
      await templateFor(record, prepared, () => readFonts(options.fonts));
    },
    settle: options.settle,
  };
}
