import { toHex } from '../bytes.ts';
import type { CryptoBackend, PublicKey } from '../crypto/backend.ts';
import { importVerifierKey, type NoteVerifier } from '../log/note.ts';
import { type AlgorithmPolicy, algorithmPolicy } from '../pki/algorithm-policy.ts';
import { type Certificate, parseCertificate } from '../pki/certificate.ts';
import { commonName } from '../pki/name.ts';
import { type PathInput, type PathResult, validatePath } from '../pki/path.ts';
import { type Freshness, type TrustBundle, type TrustedKey, trustFreshness } from '../pki/trust-bundle.ts';
import { VerifiedLinks } from '../pki/verified-links.ts';
import { sealKid } from '../seal/seal.ts';
import type { Report } from './report.ts';
import { type Checklist, sayDay } from './words.ts';

/** A key that the bundle stands behind, ready for use. */
export interface KnownKey {
  readonly entry: TrustedKey;
  readonly certificate: Certificate;
  /** RFC 5280 §6 at a given time, with the usage that `entry.use` needs; with revocation data, also by that. */
  readonly pathAt: PathAt;
}

type PathAt = (time: Date, revocation?: PathInput['revocation']) => Promise<PathResult>;

/** The name of a certificate's subject as people know it. */
export const shownName = ({ subject }: Certificate): string => commonName(subject);

/** A trust bundle prepared for many verifications: every certificate, key and path is parsed and checked once. */
export interface Trust {
  readonly bundle: TrustBundle;
  /** Remembers the keys that it imported. */
  readonly backend: CryptoBackend;
  /** Until when each algorithm may be relied on. */
  readonly algorithms: AlgorithmPolicy;
  /** As `parseCertificate`; those that the bundle holds were parsed before. */
  parse(certificate: Uint8Array): Certificate;
  /** Whether the bundle holds this very certificate, in any part. */
  holds(certificate: Uint8Array): boolean;
  readonly authorities: Authorities;
  /** The path of a certificate that the bundle need not list: of an agent who signs documents. */
  personPath(certificate: Certificate): PathAt;
  /** By the exact certificate, which must be listed for that use. */
  known(use: TrustedKey['use'], certificate: Uint8Array): KnownKey | undefined;
  /** By the key identifier of a seal. */
  sealKey(kid: Uint8Array): Promise<(KnownKey & { readonly publicKey: PublicKey }) | undefined>;
  /** By what an ICAO seal says of its signer: two letters of the state, two of the signer, and its serial number. */
  travelSealKey(signer: string, reference: string): KnownKey | undefined;
  /** The keys that the log of a post has, the present one first: proofs in older documents are signed by older ones. */
  logKeys(post: string): Promise<readonly NoteVerifier[]>;
  /** Status lists that may be of a post: the bundle's copy, and all that were handed in. */
  statusLists(post: string): readonly Uint8Array[];
}

/** RFC 3161 §2.3, RFC 9336, ICAO Doc 9303-12 §7.1.3. */
const purposes = {
  timeStamping: '1.3.6.1.5.5.7.3.8',
  documentSigning: '1.3.6.1.5.5.7.3.36',
  visibleSeals: '2.23.136.1.1.11.1',
} as const;

function usageFor(use: TrustedKey['use']): Pick<PathInput, 'keyUsage' | 'extendedKeyUsage'> {
  const keyUsage = ['digitalSignature'] as const;
  switch (use) {
    case 'document':
    case 'seal':
      return { keyUsage, extendedKeyUsage: { oid: purposes.documentSigning, form: 'permitted' } };
    case 'timestamp':
      return { keyUsage, extendedKeyUsage: { oid: purposes.timeStamping, form: 'sole' } };
    case 'vds':
      // Doc 9303-12 table 8: no key usage.
      return { extendedKeyUsage: { oid: purposes.visibleSeals, form: 'sole' } };
  }
}

/** Of a person: the purpose must stand there, as authorities issue certificates for other purposes too. */
const personUsage = {
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: { oid: purposes.documentSigning, form: 'listed' },
} as const;

/** ICAO Doc 9303-13 §2.2: country and name of the signer, and its serial number. */
const travelSealName = ({ subject, serial }: Certificate): string => {
  const names = subject.rdns.flat().map(({ text }) => text);
  return `${names.join('')} ${toHex(serial).toUpperCase().replace(/^0+/, '')}`;
};

/** All certificates of authorities that the bundle holds, and which algorithms count under them. */
export interface Authorities {
  readonly algorithms: AlgorithmPolicy;
  readonly root: Certificate;
  readonly others: readonly Certificate[];
  readonly verifiedLinks: VerifiedLinks;
}

/** A certificate that the bundle names for itself: nobody is asked about it, and it still has its time. */
const ownPath =
  (certificate: Certificate) =>
  async (time: Date): Promise<PathResult> => {
    const { notBefore, notAfter } = certificate;
    if (time < notBefore || time > notAfter)
      return {
        ok: false,
        reason: time < notBefore ? 'not-yet-valid' : 'expired',
        message: `the certificate is valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}`,
        certificate,
      };
    return { ok: true, path: [certificate], policies: [] };
  };

/** Remembers a path that held: later times are only compared with the validity of its certificates and algorithms. */
function rememberedPath(
  certificate: Certificate,
  usage: ReturnType<typeof usageFor>,
  { algorithms, root, others, verifiedLinks }: Authorities,
  backend: CryptoBackend,
): PathAt {
  const common = {
    leaf: certificate,
    intermediates: others,
    anchors: [root],
    verifiedLinks,
    algorithms,
    ...usage,
  };
  let held: { readonly result: PathResult; readonly from: number; readonly to: number } | undefined;
  return async (time, revocation) => {
    if (revocation) return validatePath({ ...common, time, revocation }, backend);
    if (held && time.getTime() >= held.from && time.getTime() <= held.to) return held.result;
    const result = await validatePath({ ...common, time }, backend);
    if (result.ok) {
      held = {
        result,
        from: Math.max(...result.path.map((member) => member.notBefore.getTime())),
        to: Math.min(
          ...result.path.map((member) => member.notAfter.getTime()),
          (result.algorithmsUntil?.getTime() ?? Number.POSITIVE_INFINITY) - 1,
        ),
      };
    }
    return result;
  };
}

/** Calls a function once, at its first use. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const oneByteText = new TextDecoder('latin1');
/** A name for bytes that no other bytes have. */
const nameOfBytes = (bytes: Uint8Array): string => oneByteText.decode(bytes);

/** Keys that came up lately; one of an honest file is far smaller than the bound. */
const keptKeys = { count: 1000, bytes: 1024 } as const;

/** Imports a key once: parsing one costs several times what a signature check does. */
function rememberingKeys(backend: CryptoBackend): CryptoBackend {
  const keys = new Map<string, PublicKey>();
  return {
    ...backend,
    importPublicKey: async (algorithm, spki) => {
      if (spki.length > keptKeys.bytes) return backend.importPublicKey(algorithm, spki);
      const name = `${Object.values(algorithm).join(' ')} ${nameOfBytes(spki)}`;
      const kept = keys.get(name);
      if (kept) return kept;
      const key = await backend.importPublicKey(algorithm, spki);
      for (const oldest of keys.keys()) {
        if (keys.size < keptKeys.count) break;
        keys.delete(oldest);
      }
      keys.set(name, key);
      return key;
    },
  };
}

/** Checkpoints that came up lately: those of one batch of documents are the same. */
const keptSignatures = 64;

/** Checks a signature once that is met in many documents; only right ones are remembered. */
function rememberingSignatures(key: PublicKey): PublicKey {
  const right = new Set<string>();
  return {
    verify: async (signature, data) => {
      const name = `${signature.length} ${nameOfBytes(signature)}${nameOfBytes(data)}`;
      if (right.has(name)) return true;
      const isRight = await key.verify(signature, data);
      if (isRight && data.length <= keptKeys.bytes) {
        if (right.size >= keptSignatures) right.clear();
        right.add(name);
      }
      return isRight;
    },
  };
}

/**
 * Makes a bundle ready for many verifications.
 * @param freshLists status lists (core/seal/status-list.ts) that are newer than the bundle
 * @param algorithms that of certs/algorithm-policy.json where absent
 * @throws ConsulError CERTIFICATE_INVALID for a bundle that holds a malformed authority
 */
export function prepareTrust(
  bundle: TrustBundle,
  plainBackend: CryptoBackend,
  freshLists: readonly Uint8Array[] = [],
  algorithms: AlgorithmPolicy = algorithmPolicy,
): Trust {
  const backend = rememberingKeys(plainBackend);
  const authorities = {
    algorithms,
    root: parseCertificate(bundle.root),
    others: bundle.authorities.map((der) => parseCertificate(der)),
    verifiedLinks: new VerifiedLinks(),
  };
  const held = new Map(
    [bundle.root, ...bundle.authorities, ...bundle.keys.map((key) => key.certificate)].map((der) => [
      nameOfBytes(der),
      once(() => parseCertificate(der)),
    ]),
  );

  const prepare = (entry: TrustedKey): KnownKey => {
    const certificate = parseCertificate(entry.certificate);
    const pathAt =
      entry.anchor === 'itself' && entry.use === 'timestamp'
        ? ownPath(certificate)
        : rememberedPath(certificate, usageFor(entry.use), authorities, backend);
    return { entry, certificate, pathAt };
  };
  const nameOf = (use: TrustedKey['use'], certificate: Uint8Array): string =>
    `${use} ${nameOfBytes(certificate)}`;
  const keys = new Map(
    bundle.keys.map((entry) => [nameOf(entry.use, entry.certificate), once(() => prepare(entry))]),
  );
  const importSealKey = async (known: KnownKey) => {
    const algorithm = { name: 'ecdsa', curve: 'P-256', hash: 'sha256' } as const;
    return { ...known, publicKey: await backend.importPublicKey(algorithm, known.certificate.spki) };
  };
  const sealKeys = once(async () => {
    const seals = bundle.keys.filter((key) => key.use === 'seal');
    const named = seals.map(async (entry) => {
      const kid = toHex(await sealKid(entry.certificate, backend));
      return [kid, once(() => importSealKey(prepare(entry)))] as const;
    });
    return new Map(await Promise.all(named));
  });
  const travelSealKeys = once(
    () =>
      new Map(
        bundle.keys
          .filter((key) => key.use === 'vds')
          .map((entry) => prepare(entry))
          .map((known) => [travelSealName(known.certificate), known]),
      ),
  );
  const logs = bundle.logs.map(({ post, key }) => ({
    post,
    verifier: once(async () => {
      const verifier = await importVerifierKey(key, backend);
      return { ...verifier, key: rememberingSignatures(verifier.key) };
    }),
  }));

  return {
    bundle,
    backend,
    algorithms,
    authorities,
    parse: (certificate) => held.get(nameOfBytes(certificate))?.() ?? parseCertificate(certificate),
    holds: (certificate) => held.has(nameOfBytes(certificate)),
    personPath: (certificate) => rememberedPath(certificate, personUsage, authorities, backend),
    known: (use, certificate) => keys.get(nameOf(use, certificate))?.(),
    sealKey: async (kid) => (await sealKeys()).get(toHex(kid))?.(),
    travelSealKey: (signer, reference) =>
      travelSealKeys().get(`${signer} ${reference.toUpperCase().replace(/^0+/, '')}`),
    logKeys: (post) => Promise.all(logs.filter((log) => log.post === post).map(({ verifier }) => verifier())),
    statusLists: (post) => [
      ...freshLists,
      ...(bundle.statusLists ?? []).filter((known) => known.post === post).map((known) => known.list),
    ],
  };
}

/**
 * Whether a key may have signed at `time`: a retired one up to its last signing, a compromised one only what the log
 * proves to be older.
 * @param provenIndex index in the log, where a proof was checked
 */
export function keyState(
  { state, lastSigning = 0, compromisedSince = 0 }: TrustedKey,
  time: Date,
  provenIndex: number | undefined,
): TrustedKey['state'] {
  switch (state) {
    case 'active':
      return state;
    case 'retired':
      return Math.floor(time.getTime() / 1000) <= lastSigning ? 'active' : state;
    case 'compromised':
      return provenIndex !== undefined && provenIndex < compromisedSince ? 'active' : state;
  }
}

/** What a report says of the bundle that it rests on. */
export const describeBundle = (bundle: TrustBundle, now: Date): Report['trust'] => ({
  root: bundle.rootFingerprint,
  sequence: bundle.sequence,
  issued: new Date(bundle.issued * 1000).toISOString(),
  nextUpdate: new Date(bundle.nextUpdate * 1000).toISOString(),
  freshness: trustFreshness(bundle, now),
});

/** The age of the bundle: past the grace period it must not decide any more. */
export function checkFreshness(list: Checklist, bundle: TrustBundle, now: Date): Freshness {
  const freshness = trustFreshness(bundle, now);
  const values = {
    sequence: bundle.sequence,
    issued: sayDay(list.language, new Date(bundle.issued * 1000)),
    nextUpdate: sayDay(list.language, new Date(bundle.nextUpdate * 1000)),
  };
  if (freshness === 'current' || freshness === 'stale')
    list.passed('trust-bundle', `trust.${freshness}`, values);
  else list.refused('trust-bundle', 'TRY_LATER', `trust.${freshness}`, values);
  return freshness;
}
