import { createHash } from 'node:crypto';
import { equalBytes } from '../bytes.ts';
import { digestLengths } from '../cms/algorithm.ts';
import {
  type PreparedSignedData,
  prepareSignedData,
  type SignedCms,
  withSignatureTimestamp,
} from '../cms/make.ts';
import { oids } from '../cms/oid.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { templateFor } from '../pdf/choice.ts';
import type { FontFamily } from '../pdf/compile.ts';
import { renderDocument } from '../pdf/document.ts';
import { prepareEvidence, type ValidationData } from '../pdf/evidence.ts';
import { extendTo } from '../pdf/extend.ts';
import type { SignatureLevel } from '../pdf/level.ts';
import type { SealedRecord } from '../pdf/record.ts';
import { replaceContents, signPdf } from '../pdf/sign.ts';
import { loadTemplate } from '../pdf/template.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import type { SealClaims } from '../seal/claims.ts';
import { qrMatrix, sealMatrix } from '../seal/qr.ts';
import { makeSeal, prepareSealSigner } from '../seal/seal.ts';
import { prepareVdsSigner } from '../seal/travel-seal.ts';
import { type KeySource, type SignerOpener, signerOpener } from '../store/key-providers.ts';
import type { TimestampState } from '../store/schema.ts';
import { tokenLasts } from '../time/lasting.ts';
import type { TimestampSource } from '../time/source.ts';
import { isFileOf, type SignatureState, signatureState } from './document-file.ts';
import { openDocumentFolder } from './document-folder.ts';
import { readFonts } from './font-folder.ts';
import { type RemoteAuthority, remoteAuthority } from './remote-authority.ts';
import { ownAuthority, roomForRemote, tokenVariation } from './timestamping.ts';
import { travelSealOf } from './travel-seal.ts';

/** A key with its certificates, in a form that can be handed to a worker thread. */
export interface SignerMaterial {
  readonly source: KeySource;
  readonly certificate: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

/** All that making documents needs, without the database: a worker thread is given the same. */
export interface ProducerSetup {
  readonly document: SignerMaterial;
  readonly seal: SignerMaterial;
  /** Of ICAO seals; posts of old have none. */
  readonly travelSeal?: SignerMaterial | undefined;
  readonly timestamp:
    | { readonly kind: 'own'; readonly authority: SignerMaterial }
    | ({ readonly kind: 'remote' } & RemoteAuthority);
  readonly verifierHost: string;
  readonly documents: string;
  readonly fonts: string;
  /** What `serializeTemplate` wrote. */
  readonly template: Uint8Array;
  /** How far signatures are taken: the level that documents have when they are issued. */
  readonly level: SignatureLevel;
  /** What signatures and time-stamps are validated with; needed from B-LT on. */
  readonly validation: ValidationData | undefined;
  /** CMS skeletons of the document signer and of the own authority's tokens (core/cms/make.ts). */
  readonly skeletons: { readonly document: Uint8Array; readonly token: Uint8Array | undefined };
}

/** A document with its number, its record and its seal, ready to become a file. */
export interface ProductionJob {
  readonly number: string;
  readonly path: string;
  /** RFC 8785 form of the record. */
  readonly record: string;
  readonly recordDigest: Uint8Array;
  readonly seal: Uint8Array;
  readonly logProof: Uint8Array;
  readonly signatory: { readonly name: string; readonly location: string };
  /** Time of issue, RFC 3339. */
  readonly issuedAt: string;
}

export interface Produced {
  readonly number: string;
  readonly path: string;
  readonly sha256: Uint8Array;
  readonly size: number;
  readonly level: SignatureLevel;
  readonly timestamp: TimestampState;
  /** When the newest time-stamp ceases to prove its time by itself, RFC 3339; null where there is none. */
  readonly lastsUntil: string | null;
}

export interface Producer {
  seal(claims: readonly SealClaims[]): Promise<Uint8Array[]>;
  /** Signed, time-stamped files in their places, durable when this resolves. */
  produce(jobs: readonly ProductionJob[]): Promise<Produced[]>;
  /**
   * The file of a document with the time-stamps that it owes; nothing is written. One that has them already, from an
   * attempt that ended before the register knew, is given as it is.
   * @param document.sha256 what the register says of the file without its time-stamp
   * @throws ConsulError TSA_UNREACHABLE, TSA_INVALID; PDF_INVALID, FILE_UNREADABLE when the file is not the one that was issued
   */
  stamped(document: {
    readonly number: string;
    readonly path: string;
    readonly sha256: Uint8Array;
  }): Promise<Uint8Array>;
  /** Puts what `stamped` gave in its place, durable when this resolves. */
  replace(document: {
    readonly number: string;
    readonly path: string;
    readonly file: Uint8Array;
  }): Promise<Produced>;
  close(): Promise<void>;
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

const signerFrom = async (
  { source, certificate, chain }: SignerMaterial,
  opener: SignerOpener,
): Promise<CertifiedSigner> => ({ ...(await opener.signer(source)), certificate, chain });

async function timestampSource(
  { timestamp, skeletons }: ProducerSetup,
  opener: SignerOpener,
): Promise<TimestampSource> {
  if (timestamp.kind === 'remote') return remoteAuthority(timestamp);
  return ownAuthority(await signerFrom(timestamp.authority, opener), skeletons.token);
}

function attachments(job: ProductionJob, travelSeal: Uint8Array | undefined) {
  const files = [
    {
      name: 'record.json',
      mediaType: 'application/json',
      relationship: 'Data',
      description: 'All printed fields (RFC 8785); its SHA-256 is in the seal',
      bytes: Buffer.from(job.record),
    },
    {
      name: 'seal.cose',
      mediaType: 'application/cose',
      relationship: 'Data',
      description: 'The seal in the QR code: CWT in COSE_Sign1',
      bytes: job.seal,
    },
    {
      name: 'log.tlog-proof',
      mediaType: 'text/plain',
      relationship: 'Supplement',
      description: 'Proof that the seal is in the transparency log (C2SP tlog-proof)',
      bytes: job.logProof,
    },
  ] as const;
  if (!travelSeal) return files;
  const description = 'The ICAO visible digital seal in the second bar code (Doc 9303-13)';
  const mediaType = 'application/octet-stream';
  const relationship = 'Data';
  return [
    ...files,
    { name: 'travel-seal.vds', mediaType, relationship, description, bytes: travelSeal } as const,
  ];
}

interface MadeFile extends Pick<SignatureState, 'level' | 'lastsUntil'> {
  readonly file: Uint8Array;
}

/** What an authority gives; undefined where it cannot be reached now. */
async function whereReached<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'TSA_UNREACHABLE') return undefined;
    throw error;
  }
}

/** Bytes of DER for the holes of a file, and how long the own authority's tokens last. */
interface Room {
  readonly signature: number;
  readonly timestamp: number;
  readonly lastsUntil?: Date;
}

/** The room that a signature with its time-stamp takes, and a document timestamp: of the own authority as a trial shows. */
async function roomFor(
  { timestamp }: ProducerSetup,
  cms: PreparedSignedData,
  timestamps: TimestampSource,
): Promise<Room> {
  if (timestamp.kind === 'remote') return { signature: roomForRemote + 4 * 1024, timestamp: roomForRemote };
  const token = await timestamps.stamp(new Uint8Array(32));
  const signed = await cms.sign({ messageDigest: new Uint8Array(digestLengths[cms.digest]) });
  return {
    signature: signed.withTimestamp(token).length + 2 * tokenVariation,
    timestamp: token.length + tokenVariation,
    lastsUntil: tokenLasts(token),
  };
}

/** Prepares keys, template and skeletons once; everything after is cheap. */
export async function openProducer(setup: ProducerSetup): Promise<Producer> {
  const opener = signerOpener();
  const documentSigner = await signerFrom(setup.document, opener);
  const sealSigner = await prepareSealSigner(await signerFrom(setup.seal, opener), nodeBackend);
  const travelSigner = setup.travelSeal && prepareVdsSigner(await signerFrom(setup.travelSeal, opener));
  const timestamps = await timestampSource(setup, opener);
  const folder = await openDocumentFolder(setup.documents);
  const template = loadTemplate(setup.template);
  if (!template) throw new ConsulError('INTERNAL', 'the prepared page template is damaged');
  let families: readonly FontFamily[] | undefined;
  const fonts = (): readonly FontFamily[] => {
    families ??= readFonts(setup.fonts);
    return families;
  };
  const cms: Promise<PreparedSignedData> = prepareSignedData({
    signer: documentSigner,
    contentType: oids.data,
    includeChain: true,
    skeleton: setup.skeletons.document,
  });
  const { level } = setup;
  const evidence = setup.validation && { data: prepareEvidence(setup.validation) };
  const room = await roomFor(setup, await cms, timestamps);

  /** The file with what its level asks for besides the signature and its time-stamp. */
  async function lasting(file: Uint8Array): Promise<Uint8Array> {
    if (level === 'B-B' || level === 'B-T') return file;
    if (!evidence) throw new ConsulError('INTERNAL', `there is no validation data for ${level}`);
    return extendTo(file, level, evidence, timestamps, { reserve: room.timestamp });
  }

  async function makeFile(job: ProductionJob): Promise<MadeFile> {
    const record = JSON.parse(job.record) as SealedRecord;
    const travelSeal = await travelSealOf(record, travelSigner);
    const unsigned = renderDocument(
      await templateFor(record, template as NonNullable<typeof template>, fonts),
      record,
      {
        qr: sealMatrix(job.seal, setup.verifierHost),
        travelSeal: travelSeal && qrMatrix(travelSeal),
        attachments: attachments(job, travelSeal),
        created: new Date(job.issuedAt),
        documentId: job.recordDigest.subarray(0, 16),
        signature: {
          name: job.signatory.name,
          location: job.signatory.location,
          reason: record.title,
          reserve: room.signature,
        },
        certification: {},
        archival: true,
      },
    );
    let signed: SignedCms | undefined;
    let token: Uint8Array | undefined;
    const file = await signPdf(unsigned, async (bytes) => {
      const signedData = await cms;
      const messageDigest = await nodeBackend.digest(signedData.digest, bytes);
      signed = await signedData.sign({ messageDigest });
      token = level === 'B-B' ? undefined : await whereReached(timestamps.stamp(sha256(signed.signature)));
      return token ? signed.withTimestamp(token) : signed.der;
    });
    const lasts = token && (await whereReached(lasting(file)));
    if (token && lasts) return { file: lasts, level, lastsUntil: room.lastsUntil ?? tokenLasts(token) };
    // All its time-stamps come later, or none: there is one state in which a document waits.
    const bare = token && signed ? replaceContents(file, signed.der) : file;
    return { file: bare, level: 'B-B', lastsUntil: undefined };
  }

  const described = (
    { number, path }: { readonly number: string; readonly path: string },
    { file, level: reached, lastsUntil }: MadeFile,
  ): Produced => ({
    number,
    path,
    sha256: sha256(file),
    size: file.length,
    level: reached,
    timestamp: reached === 'B-B' && level !== 'B-B' ? 'pending' : 'done',
    lastsUntil: lastsUntil?.toISOString() ?? null,
  });

  const found = (file: Uint8Array): MadeFile => ({ file, ...signatureState(file) });

  /** Puts the file of a document in its place, or takes the one of it that is there. */
  async function place(job: ProductionJob, made: MadeFile): Promise<Produced> {
    const placed = await folder.publish(job.path, made.file);
    if (placed === made.file) return described(job, made);
    if (!isFileOf(job, placed))
      throw new ConsulError(
        'POST_ROLLED_BACK',
        `${job.path} holds another document with the number ${job.number}: the database was put back to an earlier time`,
      );
    return described(job, found(placed));
  }

  return {
    seal: async (claims) => {
      const seals: Uint8Array[] = [];
      for (const each of claims) seals.push(await makeSeal(each, sealSigner));
      return seals;
    },
    produce: async (jobs) => {
      const placed: Promise<PromiseSettledResult<Produced>[]>[] = [];
      for (const job of jobs) {
        const made = await makeFile(job);
        // A failure is told at the end: until then nobody listens, and the others go on to theirs.
        placed.push(Promise.allSettled([place(job, made)]));
      }
      const produced = (await Promise.all(placed)).flat().map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
      await folder.settle(jobs.map(({ path }) => path));
      return produced;
    },
    stamped: async ({ number, path, sha256: before }) => {
      const file = await folder.read(path);
      const { contents, signature, level: reached } = signatureState(file);
      if (reached !== 'B-B' || level === 'B-B') return file;
      if (!equalBytes(sha256(file), before))
        throw new ConsulError('PDF_INVALID', `the file of document ${number} is not the one that was issued`);
      const token = await timestamps.stamp(sha256(signature));
      return lasting(replaceContents(file, withSignatureTimestamp(contents, token)));
    },
    replace: async ({ file, ...document }) => {
      await folder.replace(document.path, file);
      await folder.settle([document.path]);
      return described(document, found(file));
    },
    close: () => opener.close(),
  };
}
