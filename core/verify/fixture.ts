import { utf8 } from '../bytes.ts';
import { type Anatomy, attribute, detachedAnatomy, forge, sorted } from '../cms/forge.ts';
import { prepareSignedData } from '../cms/make.ts';
import { oids } from '../cms/oid.ts';
import { sha256, type TestCertified, testSigner } from '../cms/testing-ca.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ecdsaSignatureToDer } from '../crypto/ecdsa-signature.ts';
import { nodeBackend } from '../crypto/node.ts';
import { travelSealOf } from '../issuance/travel-seal.ts';
import { signCheckpoint } from '../log/checkpoint.ts';
import { logKeyOf } from '../log/note.ts';
import { formatProof } from '../log/proof.ts';
import { type HashReader, inclusionProof, leafHash, nodeHash, rootHash } from '../log/tree.ts';
import { templateFor } from '../pdf/choice.ts';
import { type Attachment, renderDocument } from '../pdf/document.ts';
import { fonts, manyScripts, preparedTemplate, priseEnCharge } from '../pdf/fixture.ts';
import type { Block, DocumentRecord, SealedRecord } from '../pdf/record.ts';
import { signPdf } from '../pdf/sign.ts';
import type { Authority } from '../pki/ceremony.ts';
import { createPostCredentials } from '../pki/credentials.fixture.ts';
import { certifiedSigner, keySigner } from '../pki/file-signer.ts';
import { type CertificateShape, certificate, type Party, party } from '../pki/fixture.ts';
import type { Signer } from '../pki/signer.ts';
import { makeTrustBundle, openTrustBundle, type TrustContent, type TrustedKey } from '../pki/trust-bundle.ts';
import type { Post } from '../post.ts';
import { type MrzContent, makeTd2 } from '../seal/mrz.ts';
import { type QrMatrix, qrMatrix, sealMatrix } from '../seal/qr.ts';
import { claimsFromRecord, claimsToRecord, type DraftClaims } from '../seal/record-claims.ts';
import { makeSeal, prepareSealSigner } from '../seal/seal.ts';
import { prepareVdsSigner } from '../seal/travel-seal.ts';
import { canonicalJson, type Json } from '../store/canonical.ts';
import { timestampAuthority } from '../time/authority.ts';
import type { VerifyContext } from './context.ts';
import { prepareTrust, type Trust } from './trust.ts';

/** For tests only: posts, documents and trust bundles, right ones and every kind of broken one. */

export const host = 'verifier.example';

export const post: Post = {
  code: 'GA-PAR',
  country: 'GA',
  hostCountry: 'FR',
  city: 'Paris',
  state: { fr: 'République gabonaise', en: 'Gabonese Republic' },
  name: { fr: 'Consulat général du Gabon à Paris', en: 'Consulate-General of Gabon in Paris' },
  languages: ['fr', 'en'],
  timeZone: 'Europe/Paris',
  currency: 'EUR',
  verifierHost: host,
  weekend: [6, 7],
  holidays: [],
};

export const otherPost = 'GA-LYS';

/** Keys made, document issued, document verified. */
export const times = {
  ceremony: new Date('2026-01-05T09:00:00Z'),
  issue: new Date('2026-03-03T10:15:00Z'),
  now: new Date('2026-04-01T08:00:00Z'),
} as const;

export const seconds = (time: Date): number => Math.floor(time.getTime() / 1000);
export const later = (time: Date, days: number): Date => new Date(time.getTime() + days * 86_400_000);

/** Who acts at a post. */
export interface Cast {
  readonly root: { readonly signer: Signer; readonly certificate: Uint8Array };
  readonly authorities: readonly Uint8Array[];
  /** The last of the authorities, which issued the signers. */
  readonly issuing: Authority;
  readonly document: TestCertified;
  readonly seal: TestCertified;
  readonly tsa: TestCertified;
  /** Of ICAO seals. */
  readonly travelSeal?: TestCertified;
  readonly log: Signer;
}

const origin = `${host}/log/ga-par`;

/** The cast that the ceremony of a post makes. */
export async function ceremonyCast(now: Date = times.ceremony): Promise<Cast> {
  const { keys, certificates } = await createPostCredentials({ post, now });
  const chain = [certificates['issuing-ca']];
  const signer = (name: 'document-signer' | 'seal-signer' | 'vds-signer' | 'tsa'): TestCertified => ({
    ...certifiedSigner(keys[name], certificates[name], chain),
    key: keys[name],
  });
  return {
    root: { signer: keySigner(keys.root), certificate: certificates.root },
    authorities: chain,
    issuing: { signer: keySigner(keys['issuing-ca']), certificate: certificates['issuing-ca'] },
    document: signer('document-signer'),
    seal: signer('seal-signer'),
    tsa: signer('tsa'),
    travelSeal: signer('vds-signer'),
    log: keySigner(keys.log),
  };
}

export const signerOf = ({ privateKey }: Party): Signer =>
  privateKey.asymmetricKeyType === 'rsa'
    ? testSigner({ name: 'rsa-pkcs1', hash: 'sha256' }, privateKey)
    : keySigner(privateKey);

interface LeafShape extends CertificateShape {
  readonly kind?: Parameters<typeof party>[1];
}

export interface CastShape {
  readonly root?: CertificateShape;
  readonly authority?: CertificateShape;
  readonly document?: LeafShape;
  readonly seal?: LeafShape;
  readonly tsa?: LeafShape;
  /** Certificates between root and signers, of the given parties; the last issues the signers. */
  readonly authorities?: (root: Party, last: Party) => readonly Uint8Array[];
}

const timeStamping = ['1.3.6.1.5.5.7.3.8'];

/** A cast whose certificates have any shape, right where nothing is said. */
export function shapedCast(shape: CastShape = {}): Cast & { readonly issuingKey: Party['privateKey'] } {
  const root = party('Root');
  const issuing = party('Issuing');
  const rootCertificate = certificate(root, root, { ca: true, ...shape.root });
  const authorities = shape.authorities?.(root, issuing) ?? [
    certificate(root, issuing, { ca: true, pathLength: 0, ...shape.authority }),
  ];
  const leaf = (name: string, { kind = 'P-256', ...rest }: LeafShape): TestCertified => {
    const self = party(name, kind);
    return {
      ...signerOf(self),
      key: self.privateKey,
      certificate: certificate(issuing, self, rest),
      chain: authorities,
    };
  };
  return {
    root: { signer: signerOf(root), certificate: rootCertificate },
    authorities,
    issuing: { signer: signerOf(issuing), certificate: authorities.at(-1) ?? new Uint8Array() },
    document: leaf('Document signer', shape.document ?? {}),
    seal: leaf('Seal signer', shape.seal ?? {}),
    tsa: leaf('Time-stamps', {
      extendedKeyUsage: timeStamping,
      extendedKeyUsageCritical: true,
      ...shape.tsa,
    }),
    log: keySigner(party('Log', 'ed25519').privateKey),
    issuingKey: issuing.privateKey,
  };
}

/** The content of the first bundle of a post. */
export async function trustContent(cast: Cast): Promise<TrustContent> {
  const entry = (use: TrustedKey['use'], { certificate }: TestCertified) => ({
    certificate,
    use,
    post: post.code,
    state: 'active' as const,
  });
  return {
    kind: 'consul-trust',
    version: 1,
    sequence: 1,
    issued: seconds(times.ceremony),
    nextUpdate: seconds(later(times.ceremony, 366)),
    graceDays: 31,
    root: cast.root.certificate,
    authorities: [...cast.authorities],
    posts: [
      {
        code: post.code,
        country: post.country,
        fr: post.name.fr,
        en: post.name.en,
        host,
        timeZone: post.timeZone,
      },
    ],
    keys: [
      entry('document', cast.document),
      entry('seal', cast.seal),
      entry('timestamp', cast.tsa),
      ...(cast.travelSeal ? [entry('vds', cast.travelSeal)] : []),
    ],
    logs: [{ post: post.code, key: await logKeyOf(origin, cast.log, nodeBackend) }],
  };
}

export async function trustBytes(
  cast: Cast,
  change: (content: TrustContent) => TrustContent = (content) => content,
): Promise<Uint8Array> {
  return makeTrustBundle(change(await trustContent(cast)), cast.root.signer, nodeBackend.digest);
}

export async function trustOf(
  cast: Cast,
  change?: (content: TrustContent) => TrustContent,
  backend: CryptoBackend = nodeBackend,
): Promise<Trust> {
  return prepareTrust(await openTrustBundle(await trustBytes(cast, change), backend), backend);
}

/** The bundle with the entry of one use changed. */
export const withKey =
  (use: TrustContent['keys'][number]['use'], change: Partial<TrustContent['keys'][number]>) =>
  (content: TrustContent): TrustContent => ({
    ...content,
    keys: content.keys.map((key) => (key.use === use ? { ...key, ...change } : key)),
  });

export const contextOf = (trust: Trust, now: Date = times.now): VerifyContext => ({
  trust,
  now,
  language: 'en',
});

const issuedAt = times.issue.toISOString().replace('.000', '');

/** A certificate of support; the names are Latin. */
export const latinRecord: DocumentRecord = { ...priseEnCharge, post: post.code, issuedAt };
export const arabicRecord: DocumentRecord = { ...manyScripts, post: post.code, issuedAt };

const manyRows: Block = {
  kind: 'rows',
  rows: Array.from({ length: 40 }, (_, i) => ({
    field: `child${i}`,
    label: `Enfant ${i + 1}`,
    value: `Prénom ${i + 1} NDONG, né le ${(i % 28) + 1} mai 20${String(i % 20).padStart(2, '0')}`,
  })),
};
export const twoPages: DocumentRecord = {
  ...latinRecord,
  blocks: [...latinRecord.blocks.slice(0, 4), manyRows, ...latinRecord.blocks.slice(4)],
};

/** An emergency travel document on the holder of `claimsOf`. */
export const travelRecord = (change: Partial<MrzContent> = {}): DocumentRecord => ({
  ...latinRecord,
  blocks: [
    ...latinRecord.blocks,
    {
      kind: 'travel-seal',
      caption: ['ICAO visible digital seal'],
      zone: makeTd2({
        documentCode: 'PU',
        issuer: 'GAB',
        nationality: 'GAB',
        primary: 'NDONG MBA',
        secondary: 'Marie Thérèse',
        number: 'PAR600042',
        dateOfBirth: '20060202',
        sex: 'F',
        dateOfExpiry: later(times.issue, 20).toISOString().slice(0, 10).replaceAll('-', ''),
        ...change,
      }).join('\n'),
      issued: times.issue.toISOString().slice(0, 10),
    },
  ],
});

export const claimsOf = (record: DocumentRecord): DraftClaims => ({
  issuer: post.country,
  issuedAt: seconds(times.issue),
  notBefore: seconds(times.issue),
  expires: seconds(later(times.issue, 365)),
  identity: {
    familyName: 'NDONG MBA',
    givenName: 'Marie Thérèse',
    dateOfBirth: '20060202',
    sex: 'female',
    nationality: 'GA',
    issuingCountry: 'GA',
  },
  document: {
    type: record.type,
    number: record.number,
    post: record.post,
    placeOfBirth: 'Franceville',
    travelDocument: '12GA84521',
    statusIndex: 7,
    extra: new Map<number, string | number>([
      [8, 'AMINATA DIALLO'],
      [9, 75_000],
    ]),
  },
});

/** Where the entry stands in the log that proves it. */
export const logIndex = 5;
const logSize = 11;

/** The proof that a log of `cast` has this seal at `logIndex`. */
export async function logProof(
  cast: Cast,
  cose: Uint8Array,
  logOrigin: string = origin,
): Promise<Uint8Array> {
  const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);
  const entries = Array.from({ length: logSize }, (_, i) => sha256(utf8(`entry ${i}`)));
  entries[logIndex] = sha256(cose);
  const read: HashReader = async (height, index) =>
    height === 0
      ? leafHash(digest, entries[index] as Uint8Array)
      : nodeHash(digest, await read(height - 1, 2 * index), await read(height - 1, 2 * index + 1));
  const root = await rootHash(logSize, read, digest);
  return formatProof({
    index: logIndex,
    hashes: await inclusionProof(logIndex, logSize, read, digest),
    checkpoint: await signCheckpoint(
      { origin: logOrigin, size: logSize, root, extensions: [] },
      cast.log,
      nodeBackend,
    ),
  });
}

/** Everything about a document that can be made another than it should be. */
export interface Changes {
  readonly record?: DocumentRecord;
  readonly claims?: (claims: DraftClaims) => DraftClaims;
  /** Of the rows that are private. */
  readonly salts?: NonNullable<SealedRecord['salts']>;
  /** What record.json is and its digest in the seal. */
  readonly sealedRecord?: (record: SealedRecord) => unknown;
  readonly sealSigner?: TestCertified;
  /** What the page shows, where that is not the record. */
  readonly printed?: DocumentRecord;
  readonly drawn?: (cose: Uint8Array) => QrMatrix;
  /** The ICAO seal that is attached, and what is drawn of it. */
  readonly travelSeal?: (made: Uint8Array | undefined) => Promise<Uint8Array> | Uint8Array | undefined;
  readonly drawnTravelSeal?: (made: Uint8Array | undefined) => Uint8Array | undefined;
  readonly attachments?: (files: readonly Attachment[]) => readonly Attachment[];
  readonly seal?: (cose: Uint8Array) => Uint8Array;
  readonly proof?: (cose: Uint8Array) => Promise<Uint8Array>;
  /** Whether its signature certifies it, in the archival form. */
  readonly certified?: boolean;
  /** The PDF before it is signed. */
  readonly page?: (unsigned: Uint8Array) => Uint8Array;
  readonly documentSigner?: TestCertified;
  /** Parts of the CMS; see core/cms/forge.ts. */
  readonly cms?: (parts: Anatomy, covered: Uint8Array) => Anatomy;
  /** The whole CMS, made of the right one. */
  readonly finishedCms?: (der: Uint8Array) => Uint8Array;
  readonly stampedAt?: Date;
  readonly tsa?: TestCertified;
  readonly token?: (token: Uint8Array, signature: Uint8Array) => Promise<Uint8Array> | Uint8Array | undefined;
}

export interface Made {
  readonly file: Uint8Array;
  readonly cose: Uint8Array;
  readonly record: Uint8Array;
  readonly proof: Uint8Array;
  readonly travelSeal: Uint8Array | undefined;
}

let serial = 0;

export async function stamp(
  tsa: TestCertified,
  signature: Uint8Array,
  at: Date = times.issue,
): Promise<Uint8Array> {
  const authority = timestampAuthority({
    signer: tsa,
    policy: '1.2.3.4',
    clock: () => at,
    serial: () => Uint8Array.of(1, ++serial),
    accuracy: 1,
  });
  return authority.stamp(sha256(signature));
}

/** A signature with its time-stamp, as `changes` have it. */
export async function signatureOf(
  cast: Cast,
  covered: Uint8Array,
  changes: Changes = {},
): Promise<Uint8Array> {
  const signer = changes.documentSigner ?? cast.document;
  const token = async (signature: Uint8Array): Promise<Uint8Array | undefined> => {
    const right = await stamp(changes.tsa ?? cast.tsa, signature, changes.stampedAt);
    return changes.token ? changes.token(right, signature) : right;
  };
  if (!changes.cms) {
    const { digest } = await prepared(signer);
    const signed = await (await prepared(signer)).sign({
      messageDigest: await nodeBackend.digest(digest, covered),
    });
    const stamped = await token(signed.signature);
    return stamped ? signed.withTimestamp(stamped) : signed.der;
  }
  // The same value in both turns: the token is over it.
  const values = new Map<string, Uint8Array>();
  const steady: TestCertified = {
    ...signer,
    sign: (data) => {
      const key = fromLatin(data);
      const value = values.get(key) ?? (signer.sign(data) as Uint8Array);
      values.set(key, value);
      return value;
    },
  };
  let value: Uint8Array = new Uint8Array();
  const parts = changes.cms(
    { ...detachedAnatomy(steady, covered), certificates: sorted([signer.certificate, ...signer.chain]) },
    covered,
  );
  forge({
    ...parts,
    signature: (raw) => {
      value = parts.signature
        ? parts.signature(raw)
        : signer.algorithm.name === 'ecdsa'
          ? ecdsaSignatureToDer(raw)
          : raw;
      return value;
    },
  });
  const stamped = await token(value);
  const unsigned = [
    ...(stamped ? [attribute(oids.signatureTimestamp, stamped)] : []),
    ...(parts.unsigned ?? []),
  ];
  return forge({ ...parts, unsigned: unsigned.length > 0 ? sorted(unsigned) : undefined });
}

const fromLatin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const skeletons = new WeakMap<TestCertified, ReturnType<typeof prepareSignedData>>();

function prepared(signer: TestCertified): ReturnType<typeof prepareSignedData> {
  let made = skeletons.get(signer);
  if (!made) {
    made = prepareSignedData({ signer, contentType: oids.data, includeChain: true });
    skeletons.set(signer, made);
  }
  return made;
}

/** A document as a post makes it, but for the changes. */
export async function makeDocument(cast: Cast, changes: Changes = {}): Promise<Made> {
  const record = changes.record ?? latinRecord;
  const draft = changes.claims?.(claimsOf(record)) ?? claimsOf(record);
  const { salts } = changes;
  const sealed: SealedRecord = { ...record, claims: claimsToRecord(draft), ...(salts ? { salts } : {}) };
  const json = utf8(canonicalJson((changes.sealedRecord?.(sealed) ?? sealed) as Json));
  const sealer = await prepareSealSigner(changes.sealSigner ?? cast.seal, nodeBackend);
  const claims = await claimsFromRecord(sealed, sha256(json).subarray(0, 16), nodeBackend);
  const made = await makeSeal(claims, sealer);
  const cose = changes.seal?.(made) ?? made;
  const proof = await (changes.proof?.(cose) ?? logProof(cast, cose));
  const signer = cast.travelSeal && prepareVdsSigner(cast.travelSeal);
  const sealedTravel = await travelSealOf(record, signer);
  const travelSeal = changes.travelSeal ? await changes.travelSeal(sealedTravel) : sealedTravel;
  const drawnTravel = changes.drawnTravelSeal ? changes.drawnTravelSeal(travelSeal) : travelSeal;
  const attachments: readonly Attachment[] = [
    { name: 'record.json', mediaType: 'application/json', relationship: 'Data', bytes: json },
    { name: 'seal.cose', mediaType: 'application/cose', relationship: 'Data', bytes: cose },
    { name: 'log.tlog-proof', mediaType: 'text/plain', relationship: 'Supplement', bytes: proof },
    ...(travelSeal
      ? [
          {
            name: 'travel-seal.vds',
            mediaType: 'application/octet-stream',
            relationship: 'Data',
            bytes: travelSeal,
          },
        ]
      : []),
  ].map((file) => ({ ...file, description: file.name }) as Attachment);

  const printed = changes.printed ?? record;
  const unsigned = renderDocument(await templateFor(printed, preparedTemplate(), () => fonts), printed, {
    qr: changes.drawn?.(cose) ?? sealMatrix(cose, host),
    travelSeal: drawnTravel && qrMatrix(drawnTravel),
    attachments: changes.attachments?.(attachments) ?? attachments,
    created: times.issue,
    documentId: sha256(json).subarray(0, 16),
    signature: { name: 'Jean-Baptiste MOUSSAVOU', location: post.city, reason: record.title, reserve: 8192 },
    ...(changes.certified ? { certification: {}, archival: true } : {}),
  });
  const file = await signPdf(changes.page?.(unsigned) ?? unsigned, async (covered) => {
    const der = await signatureOf(cast, covered, changes);
    return changes.finishedCms?.(der) ?? der;
  });
  return { file, cose, record: json, proof, travelSeal };
}

/** Where the hole for the CMS stands, its angle brackets left out. */
export function holeOf(file: Uint8Array): { readonly start: number; readonly end: number } {
  const start = fromLatin(file).indexOf('/Contents <') + '/Contents <'.length;
  return { start, end: file.indexOf(0x3e, start) };
}

export function flipped(file: Uint8Array, at: number, mask: number): Uint8Array {
  const copy = file.slice();
  copy[at] = (copy[at] as number) ^ mask;
  return copy;
}
