import { equalBytes, toHex } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { type CborValue, decodeCbor, encodeCbor } from '../seal/cbor.ts';
import { prepareCose, protectedKid, readCose, signCose, toBeSigned } from '../seal/cose.ts';
import { list, members, octets, oneOf, optional, type Shaped, text, whole } from '../seal/shape.ts';
import { parseCertificate } from './certificate.ts';
import { coseAlgorithmOf, signatureAlgorithmOf } from './cose-algorithm.ts';
import type { Signer } from './signer.ts';

const certificate = octets(16 * 1024);
const seconds = whole(0);
const name = text(300);

/**
 * Content of a trust bundle: all that a stranger needs to verify offline. Times are seconds since 1970.
 * The bundle says which certificates a state stands behind, since when one is retired or compromised, and which
 * transparency logs its posts keep.
 */
const trustContent = members({
  /** Tells a bundle from every other thing that the root may sign. */
  kind: oneOf('consul-trust'),
  version: oneOf(1),
  sequence: whole(1),
  issued: seconds,
  nextUpdate: seconds,
  /** Days after `nextUpdate` during which the bundle still serves, with a warning. */
  graceDays: whole(0, 366),
  root: certificate,
  authorities: list(certificate, 1000),
  posts: list(
    members({
      code: name,
      country: name,
      fr: name,
      en: name,
      host: name,
      /** IANA name; days of validity are days there. */
      timeZone: name,
    }),
    1000,
  ),
  keys: list(
    members({
      certificate,
      /** `vds`: ICAO visible digital seals. */
      use: oneOf('document', 'seal', 'timestamp', 'vds'),
      post: name,
      state: oneOf('active', 'retired', 'compromised'),
      /**
       * `itself`: of another house, believed in for this very certificate. Absent: a path leads to the root.
       */
      anchor: optional(oneOf('itself')),
      /** Last signing time of a retired key. */
      lastSigning: optional(seconds),
      /** First log index that is no longer trusted, for a compromised key. */
      compromisedSince: optional(whole(0)),
    }),
    10_000,
  ),
  /** Verifier keys of the logs, C2SP signed-note form. */
  logs: list(members({ post: name, key: name }), 1000),
  /** Copies of the posts' status lists as they were when the bundle was made. */
  statusLists: optional(list(members({ post: name, list: octets(8 * 1024 * 1024) }), 1000)),
  /** The newest checkpoints of the posts' logs at that time (C2SP tlog-checkpoint): a log never falls behind them. */
  checkpoints: optional(list(members({ post: name, checkpoint: octets(256 * 1024) }), 1000)),
});

export type TrustContent = Shaped<typeof trustContent>;
export type TrustedKey = TrustContent['keys'][number];

export interface TrustBundle extends TrustContent {
  /** Hexadecimal SHA-256 of the root certificate: what two people compare by telephone. */
  readonly rootFingerprint: string;
}

const maxBytes = 16 * 1024 * 1024;

/** Plain objects to CBOR maps with text keys, and back. */
function toCbor(value: unknown): CborValue {
  if (Array.isArray(value)) return value.map(toCbor);
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value as CborValue;
  return new Map(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, toCbor(member)]),
  );
}

function fromCbor(value: CborValue): unknown {
  if (Array.isArray(value)) return value.map(fromCbor);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [String(key), fromCbor(member)]));
  return value;
}

/** A trust bundle as COSE_Sign1 (RFC 9052 §4.2) by the root. */
export async function makeTrustBundle(
  content: TrustContent,
  root: Signer,
  digest: CryptoBackend['digest'],
): Promise<Uint8Array> {
  const kid = (await digest('sha256', content.root)).subarray(0, 8);
  const prepared = prepareCose(coseAlgorithmOf(root.algorithm), kid);
  return signCose(encodeCbor(toCbor(content)), prepared, (data) => root.sign(data));
}

/**
 * Reads a bundle and checks that its root signed it.
 * @param expectedRoot hexadecimal SHA-256 of the root certificate, where the verifier knows it
 * @throws ConsulError TRUST_INVALID
 */
export async function openTrustBundle(
  bytes: Uint8Array,
  backend: CryptoBackend,
  expectedRoot?: string,
): Promise<TrustBundle> {
  try {
    const cose = readCose(bytes, maxBytes);
    const data = fromCbor(decodeCbor(cose.payload, maxBytes));
    const fault = trustContent.fault(data, '');
    if (fault !== undefined) throw new ConsulError('TRUST_INVALID', `its content is malformed at ${fault}`);
    const content = data as TrustContent;
    const root = parseCertificate(content.root);
    const fingerprint = await backend.digest('sha256', content.root);
    const kid = protectedKid(cose);
    const algorithm = signatureAlgorithmOf(cose.algorithm);
    if (!algorithm || !kid || !equalBytes(kid, fingerprint.subarray(0, 8)))
      throw new ConsulError('TRUST_INVALID', 'its header names another key or algorithm');
    const key = await backend.importPublicKey(algorithm, root.spki);
    if (!(await key.verify(cose.signature, toBeSigned(cose))))
      throw new ConsulError('TRUST_INVALID', 'its signature is wrong');
    const rootFingerprint = toHex(fingerprint);
    if (
      expectedRoot !== undefined &&
      expectedRoot.toLowerCase().replace(/[^0-9a-f]/g, '') !== rootFingerprint
    )
      throw new ConsulError(
        'TRUST_INVALID',
        `it was signed by the root ${rootFingerprint}, not by the expected one`,
      );
    return { ...content, rootFingerprint };
  } catch (cause) {
    if (!(cause instanceof ConsulError)) throw cause;
    throw new ConsulError('TRUST_INVALID', `the trust bundle is not accepted: ${cause.message}`, { cause });
  }
}

export type Freshness = 'current' | 'stale' | 'expired' | 'not-yet-valid';

/** `stale` is past the next update but within the grace period; `expired` must fail closed. */
export function trustFreshness(bundle: TrustContent, now: Date): Freshness {
  const seconds = now.getTime() / 1000;
  if (seconds < bundle.issued - 300) return 'not-yet-valid';
  if (seconds <= bundle.nextUpdate) return 'current';
  return seconds <= bundle.nextUpdate + bundle.graceDays * 86_400 ? 'stale' : 'expired';
}
