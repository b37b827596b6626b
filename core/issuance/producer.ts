import { createHash } from 'node:crypto';
import { equalBytes, utf8 } from '../bytes.ts';
import {
  type PreparedSignedData,
  prepareSignedData,
  type SignedCms,
  withSignatureTimestamp,
} from '../cms/make.ts';
import { oids } from '../cms/oid.ts';
import { readSignedData } from '../cms/read.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { templateFor } from '../pdf/choice.ts';
import type { FontFamily } from '../pdf/compile.ts';
import { renderDocument } from '../pdf/document.ts';
import { readAttachments } from '../pdf/read/attachments.ts';
import { readPdf } from '../pdf/read/document.ts';
import { readSignatures } from '../pdf/read/signature.ts';
import type { SealedRecord } from '../pdf/record.ts';
import { replaceContents, signPdf } from '../pdf/sign.ts';
import { loadTemplate } from '../pdf/template.ts';
import { serialNumber } from '../pki/serial.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import type { SealClaims } from '../seal/claims.ts';
import { qrMatrix, sealMatrix } from '../seal/qr.ts';
import { makeSeal, prepareSealSigner } from '../seal/seal.ts';
import { prepareVdsSigner } from '../seal/travel-seal.ts';
import { type KeySource, type SignerOpener, signerOpener } from '../store/key-providers.ts';
import type { SignatureLevel, TimestampState } from '../store/schema.ts';
import { timestampAuthority } from '../time/authority.ts';
import type { TimestampSource } from '../time/source.ts';
import { openDocumentFolder } from './document-folder.ts';
import { readFonts } from './font-folder.ts';
import { type RemoteAuthority, remoteAuthority } from './remote-authority.ts';
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
    | { readonly kind: 'own'; readonly authority: SignerMaterial; readonly policy: string }
    | ({ readonly kind: 'remote' } & RemoteAuthority);
  readonly verifierHost: string;
  readonly documents: string;
  readonly fonts: string;
  /** What `serializeTemplate` wrote. */
  readonly template: Uint8Array;
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
}

export interface Producer {
  seal(claims: readonly SealClaims[]): Promise<Uint8Array[]>;
  /** Signed, time-stamped files in their places, durable when this resolves. */
  produce(jobs: readonly ProductionJob[]): Promise<Produced[]>;
  /**
   * The file of a document with the time-stamp that it owes; nothing is written. One that has its time-stamp already,
   * from an attempt that ended before the register knew, is given as it is.
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
  if (timestamp.kind === 'own')
    return timestampAuthority({
      signer: await signerFrom(timestamp.authority, opener),
      policy: timestamp.policy,
      clock: () => new Date(),
      serial: () => serialNumber(nodeBackend.random),
      accuracy: 1,
      ...(skeletons.token ? { skeleton: skeletons.token } : {}),
    });
  return remoteAuthority(timestamp);
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

/** Whether a file is of this very document: of no other that had its number in a past that was undone. */
function isOf({ record, seal }: ProductionJob, file: Uint8Array): boolean {
  const found = new Map(readAttachments(readPdf(file)).map(({ name, bytes }) => [name, bytes]));
  const holds = (name: string, bytes: Uint8Array): boolean =>
    equalBytes(found.get(name) ?? new Uint8Array(0), bytes);
  return holds('record.json', utf8(record)) && holds('seal.cose', seal);
}

/** Prepares keys, template and skeletons once; everything after is cheap. */
export async function openProducer(setup: ProducerSetup): Promise<Producer> {
  const opener = signerOpener();
  const documentSigner = await signerFrom(setup.document, opener);
  const sealSigner = await prepareSealSigner(await signerFrom(setup.seal, opener), nodeBackend);
  const travelSigner = setup.travelSeal && prepareVdsSigner(await signerFrom(setup.travelSeal, opener));
  const timestamps = await timestampSource(setup, opener);
  const folder = await openDocumentFolder(setup.documents);
  // Measured: our own CMS with chain and token takes 4.5 KB; other authorities send longer chains.
  const reserve = setup.timestamp.kind === 'own' ? 6 * 1024 : 16 * 1024;
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

  /** A signature with its time-stamp, or without where the authority cannot be reached now. */
  async function withTimestamp(signed: SignedCms): Promise<{ der: Uint8Array; timestamp: TimestampState }> {
    try {
      const token = await timestamps.stamp(sha256(signed.signature));
      return { der: signed.withTimestamp(token), timestamp: 'done' };
    } catch (error) {
      if (error instanceof ConsulError && error.code === 'TSA_UNREACHABLE')
        return { der: signed.der, timestamp: 'pending' };
      throw error;
    }
  }

  async function makeFile(job: ProductionJob): Promise<{ file: Uint8Array; timestamp: TimestampState }> {
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
          reserve,
        },
      },
    );
    let timestamp: TimestampState = 'pending';
    const file = await signPdf(unsigned, async (bytes) => {
      const signedData = await cms;
      const messageDigest = await nodeBackend.digest(signedData.digest, bytes);
      const signed = await signedData.sign({ messageDigest });
      const result = await withTimestamp(signed);
      timestamp = result.timestamp;
      return result.der;
    });
    return { file, timestamp };
  }

  const described = (
    { number, path }: { readonly number: string; readonly path: string },
    file: Uint8Array,
    timestamp: TimestampState,
  ): Produced => ({
    number,
    path,
    sha256: sha256(file),
    size: file.length,
    level: timestamp === 'done' ? 'B-T' : 'B-B',
    timestamp,
  });

  /** The CMS of the one signature in a file of ours, and whether it carries its time-stamp. */
  function signatureIn(file: Uint8Array): {
    contents: Uint8Array;
    signature: Uint8Array;
    timestamp: TimestampState;
  } {
    const [only, ...others] = readSignatures(readPdf(file));
    if (!only?.contents || others.length > 0)
      throw new ConsulError('PDF_INVALID', 'the file in the place of the document is not one of ours');
    const { signature, unsigned } = readSignedData(only.contents).signer;
    return {
      contents: only.contents,
      signature,
      timestamp: unsigned.signatureTimestamp ? 'done' : 'pending',
    };
  }

  /** Puts the file of a document in its place, or takes the one of it that is there. */
  async function place(job: ProductionJob, file: Uint8Array, timestamp: TimestampState): Promise<Produced> {
    const placed = await folder.publish(job.path, file);
    if (placed === file) return described(job, file, timestamp);
    if (!isOf(job, placed))
      throw new ConsulError(
        'POST_ROLLED_BACK',
        `${job.path} holds another document with the number ${job.number}: the database was put back to an earlier time`,
      );
    return described(job, placed, signatureIn(placed).timestamp);
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
        const { file, timestamp } = await makeFile(job);
        // A failure is told at the end: until then nobody listens, and the others go on to theirs.
        placed.push(Promise.allSettled([place(job, file, timestamp)]));
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
      const { contents, signature, timestamp } = signatureIn(file);
      if (timestamp === 'done') return file;
      if (!equalBytes(sha256(file), before))
        throw new ConsulError('PDF_INVALID', `the file of document ${number} is not the one that was issued`);
      const token = await timestamps.stamp(sha256(signature));
      return replaceContents(file, withSignatureTimestamp(contents, token));
    },
    replace: async ({ file, ...document }) => {
      await folder.replace(document.path, file);
      await folder.settle([document.path]);
      return described(document, file, 'done');
    },
    close: () => opener.close(),
  };
}
