import { toHex } from '../bytes.ts';
import type { CryptoBackend, PublicKey } from '../crypto/backend.ts';
import { importVerifierKey, type NoteVerifier } from '../log/note.ts';
import { type Certificate, parseCertificate } from '../pki/certificate.ts';
import { type PathResult, validatePath } from '../pki/path.ts';
import { type Freshness, type TrustBundle, type TrustedKey, trustFreshness } from '../pki/trust-bundle.ts';
import type { Checklist } from './words.ts';
import { sayDay } from './words.ts';

/** A key that the bundle stands behind, ready for use. */
export interface KnownKey {
  readonly entry: TrustedKey;
  readonly certificate: Certificate;
  /** RFC 5280 §6 at a given time, with the usage that `entry.use` needs. */
  pathAt(time: Date): Promise<PathResult>;
}

const commonNameType = '2.5.4.3';

/** The name of a certificate's subject as people know it. */
export function shownName({ subject }: Certificate): string {
  const attributes = subject.rdns.flat();
  return attributes.find((attribute) => attribute.type === commonNameType)?.text ?? subject.text;
}

/** A trust bundle prepared for many verifications: every certificate, key and path is parsed and checked once. */
export interface Trust {
  readonly bundle: TrustBundle;
  readonly backend: CryptoBackend;
  /** Whether the bundle holds this very certificate, in any part. */
  holds(certificate: Uint8Array): boolean;
  /** By the exact certificate, which must be listed for that use. */
  known(use: TrustedKey['use'], certificate: Uint8Array): Promise<KnownKey | undefined>;
  /** By the key identifier of a seal. */
  sealKey(kid: Uint8Array): Promise<(KnownKey & { readonly publicKey: PublicKey }) | undefined>;
  log(post: string): Promise<NoteVerifier | undefined>;
}

const timestampingPurpose = '1.3.6.1.5.5.7.3.8';

function usageFor(use: TrustedKey['use']) {
  switch (use) {
    case 'document':
      return { keyUsage: ['digitalSignature'] } as const;
    case 'seal':
      return { keyUsage: ['digitalSignature'] } as const;
    case 'timestamp':
      return {
        keyUsage: ['digitalSignature'],
        extendedKeyUsage: { oid: timestampingPurpose, form: 'sole' },
      } as const;
  }
}

/** Remembers a path that held: later times are only compared with the validity of its certificates. */
function rememberedPath(
  certificate: Certificate,
  use: TrustedKey['use'],
  bundle: { readonly root: Certificate; readonly authorities: readonly Certificate[] },
  backend: CryptoBackend,
): (time: Date) => Promise<PathResult> {
  let held: { readonly result: PathResult; readonly from: number; readonly to: number } | undefined;
  return async (time) => {
    if (held && time.getTime() >= held.from && time.getTime() <= held.to) return held.result;
    const result = await validatePath(
      {
        leaf: certificate,
        intermediates: bundle.authorities,
        anchors: [bundle.root],
        time,
        ...usageFor(use),
      },
      backend,
    );
    if (result.ok) {
      held = {
        result,
        from: Math.max(...result.path.map((member) => member.notBefore.getTime())),
        to: Math.min(...result.path.map((member) => member.notAfter.getTime())),
      };
    }
    return result;
  };
}

export function prepareTrust(bundle: TrustBundle, backend: CryptoBackend): Trust {
  const authorities = {
    root: parseCertificate(bundle.root),
    authorities: bundle.authorities.map((der) => parseCertificate(der)),
  };
  const keys = new Map<string, Promise<KnownKey | undefined>>();
  const sealKeys = new Map<string, Promise<(KnownKey & { readonly publicKey: PublicKey }) | undefined>>();
  const logs = new Map<string, Promise<NoteVerifier | undefined>>();
  let kids: Promise<ReadonlyMap<string, TrustedKey>> | undefined;

  const prepare = (entry: TrustedKey): KnownKey => {
    const certificate = parseCertificate(entry.certificate);
    return { entry, certificate, pathAt: rememberedPath(certificate, entry.use, authorities, backend) };
  };
  const entriesByKid = async (): Promise<ReadonlyMap<string, TrustedKey>> => {
    const seals = bundle.keys.filter((key) => key.use === 'seal');
    const digests = await Promise.all(seals.map((key) => backend.digest('sha256', key.certificate)));
    return new Map(seals.map((key, at) => [toHex((digests[at] as Uint8Array).subarray(0, 8)), key]));
  };

  const held = new Set(
    [bundle.root, ...bundle.authorities, ...bundle.keys.map((key) => key.certificate)].map(toHex),
  );

  return {
    bundle,
    backend,
    holds: (certificate) => held.has(toHex(certificate)),
    known: (use, certificate) =>
      remember(keys, `${use} ${toHex(certificate)}`, async () => {
        const entry = bundle.keys.find(
          (key) => key.use === use && toHex(key.certificate) === toHex(certificate),
        );
        return entry && prepare(entry);
      }),
    sealKey: (kid) =>
      remember(sealKeys, toHex(kid), async () => {
        kids ??= entriesByKid();
        const entry = (await kids).get(toHex(kid));
        if (!entry) return undefined;
        const known = prepare(entry);
        const algorithm = { name: 'ecdsa', curve: 'P-256', hash: 'sha256' } as const;
        return { ...known, publicKey: await backend.importPublicKey(algorithm, known.certificate.spki) };
      }),
    log: (post) =>
      remember(logs, post, async () => {
        const entry = bundle.logs.find((log) => log.post === post);
        return entry && importVerifierKey(entry.key, backend);
      }),
  };
}

/** Unknown keys come from untrusted files: no more of them are remembered than this. */
const rememberedAnswers = 10_000;

function remember<T>(answers: Map<string, Promise<T>>, name: string, find: () => Promise<T>): Promise<T> {
  let answer = answers.get(name);
  if (!answer) {
    if (answers.size >= rememberedAnswers) answers.clear();
    answer = find();
    answers.set(name, answer);
  }
  return answer;
}

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
