import { createHash, type KeyObject } from 'node:crypto';
import { type PreparedSignedData, prepareSignedData, withSignatureTimestamp } from '../cms/make.ts';
import { oids } from '../cms/oid.ts';
import { readSignedData } from '../cms/read.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { templateFor } from '../pdf/choice.ts';
import type { FontFamily } from '../pdf/compile.ts';
import { renderDocument } from '../pdf/document.ts';
import { readPdf } from '../pdf/read/document.ts';
import { readSignatures } from '../pdf/read/signature.ts';
import type { SealedRecord } from '../pdf/record.ts';
import { replaceContents, signPdf } from '../pdf/sign.ts';
import { loadTemplate } from '../pdf/template.ts';
import { certifiedSigner } from '../pki/file-signer.ts';
import { serialNumber } from '../pki/serial.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import type { SealClaims } from '../seal/claims.ts';
import { sealMatrix } from '../seal/qr.ts';
import { makeSeal, prepareSealSigner } from '../seal/seal.ts';
import type { SignatureLevel, TimestampState } from '../store/schema.ts';
import { timestampAuthority } from '../time/authority.ts';
import { remoteTimestamps } from '../time/client.ts';
import type { TimestampSource } from '../time/source.ts';
import { openDocumentFolder } from './document-folder.ts';
import { fontFamilies } from './fonts.ts';

/** A key with its certificates, in a form that can be handed to a worker thread. */
export interface SignerMaterial {
  readonly key: KeyObject;
  readonly certificate: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

/** All that making documents needs, without the database: a worker thread is given the same. */
export interface ProducerSetup {
  readonly document: SignerMaterial;
  readonly seal: SignerMaterial;
  readonly timestamp:
    | { readonly kind: 'own'; readonly authority: SignerMaterial; readonly policy: string }
    | { readonly kind: 'remote'; readonly url: string };
  readonly verifierHost: string;
  readonly documents: string;
  readonly fonts: string;
  /** What `serializeTemplate` wrote. */
  readonly template: Uint8Array;
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
  /** Adds the time-stamp that a file still owes. @throws ConsulError TSA_UNREACHABLE */
  stampPending(document: { readonly number: string; readonly path: string }): Promise<Produced>;
  close(): Promise<void>;
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

const signerFrom = ({ key, certificate, chain }: SignerMaterial): CertifiedSigner =>
  certifiedSigner(key, certificate, chain);

function timestampSource({ timestamp }: ProducerSetup): TimestampSource {
  if (timestamp.kind === 'own')
    return timestampAuthority({
      signer: signerFrom(timestamp.authority),
      policy: timestamp.policy,
      clock: () => new Date(),
      serial: () => serialNumber(nodeBackend.random),
      accuracy: 1,
    });
  return remoteTimestamps({
    url: timestamp.url,
    fetch: globalThis.fetch,
    random: nodeBackend.random,
    backend: nodeBackend,
    timeoutMs: 10_000,
    maxBytes: 64 * 1024,
    acceptable: async () => {},
  });
}

function attachments(job: ProductionJob) {
  return [
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
}

/** Prepares keys, template and skeletons once; everything after is cheap. */
export async function openProducer(setup: ProducerSetup): Promise<Producer> {
  const documentSigner = signerFrom(setup.document);
  const sealSigner = await prepareSealSigner(signerFrom(setup.seal), nodeBackend);
  const timestamps = timestampSource(setup);
  const folder = openDocumentFolder(setup.documents);
  // Measured: our own CMS with chain and token takes 4.5 KB; other authorities send longer chains.
  const reserve = setup.timestamp.kind === 'own' ? 6 * 1024 : 16 * 1024;
  const template = loadTemplate(setup.template);
  if (!template) throw new ConsulError('INTERNAL', 'the prepared page template is damaged');
  let families: readonly FontFamily[] | undefined;
  const fonts = (): readonly FontFamily[] => {
    families ??= fontFamilies(setup.fonts);
    return families;
  };
  const cms: Promise<PreparedSignedData> = prepareSignedData({
    signer: documentSigner,
    contentType: oids.data,
    digest: 'sha256',
    includeChain: true,
  });

  /** A signature with its time-stamp, or without where the authority cannot be reached now. */
  async function stamped(
    signature: Uint8Array,
    der: Uint8Array,
  ): Promise<{ der: Uint8Array; timestamp: TimestampState }> {
    try {
      const token = await timestamps.stamp(sha256(signature));
      return { der: withSignatureTimestamp(der, token), timestamp: 'done' };
    } catch (error) {
      if (error instanceof ConsulError && error.code === 'TSA_UNREACHABLE')
        return { der, timestamp: 'pending' };
      throw error;
    }
  }

  async function makeFile(job: ProductionJob): Promise<{ file: Uint8Array; timestamp: TimestampState }> {
    const record = JSON.parse(job.record) as SealedRecord;
    const unsigned = renderDocument(
      await templateFor(record, template as NonNullable<typeof template>, fonts),
      record,
      {
        qr: sealMatrix(job.seal, setup.verifierHost),
        attachments: attachments(job),
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
      const signed = await (await cms).sign({ messageDigest: sha256(bytes) });
      const result = await stamped(signed.signature, signed.der);
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

  return {
    seal: async (claims) => {
      const seals: Uint8Array[] = [];
      for (const each of claims) seals.push(await makeSeal(each, sealSigner));
      return seals;
    },
    produce: async (jobs) => {
      const produced: Promise<Produced>[] = [];
      for (const job of jobs) {
        const { file, timestamp } = await makeFile(job);
        produced.push(
          folder
            .publish(job.path, file)
            .then((placed) =>
              described(job, placed, placed === file ? timestamp : signatureIn(placed).timestamp),
            ),
        );
      }
      const results = await Promise.all(produced);
      await folder.settle();
      return results;
    },
    stampPending: async (document) => {
      const file = await folder.read(document.path);
      const { contents, signature } = signatureIn(file);
      const token = await timestamps.stamp(sha256(signature));
      const complete = replaceContents(file, withSignatureTimestamp(contents, token));
      await folder.replace(document.path, complete);
      await folder.settle();
      return described(document, complete, 'done');
    },
    close: async () => {},
  };
}
