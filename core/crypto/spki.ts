import { readDer } from '../der/reader.ts';
import { tag } from '../der/tags.ts';
import { bitString, nul, oid, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import type { BrainpoolAlgorithm, BrainpoolCurve, CurveName, SignatureAlgorithm } from './backend.ts';
import { brainpoolCurves, curves } from './curves.ts';
import { type PssParameters, readPssParameters } from './pss-parameters.ts';

/** What a SubjectPublicKeyInfo says of its key. `unsupported` covers every algorithm and curve outside the list. */
export type PublicKeyAlgorithm =
  | { readonly kind: 'ec'; readonly curve: CurveName }
  | {
      readonly kind: 'rsa';
      readonly bits: number;
      /** Present for an id-RSASSA-PSS key: only PSS; the parameters, where given, bind it (RFC 4055 §3.1). */
      readonly pss?: PssParameters | 'any';
    }
  | { readonly kind: 'ed25519' }
  | {
      readonly kind: 'unsupported';
      readonly oid: string;
      /** A well-formed key on a curve of RFC 5639, which only foreign seals may be checked with. */
      readonly brainpool?: BrainpoolCurve;
    };

/** RSA keys outside this range are neither secure nor quick to check. */
export const rsaBits = { least: 2048, most: 8192 } as const;

const curveByOid = new Map((Object.keys(curves) as CurveName[]).map((name) => [curves[name].oid, name]));
const brainpoolByOid = new Map(
  (Object.keys(brainpoolCurves) as BrainpoolCurve[]).map((name) => [brainpoolCurves[name].oid, name]),
);

function readRsaKey(key: Uint8Array): number {
  const [modulus, exponent, ...rest] = readDer(key).sequence();
  if (!modulus || !exponent || rest.length > 0)
    throw new ConsulError('DER_INVALID', 'an RSAPublicKey that is not two INTEGERs');
  const n = modulus.bigint();
  const e = exponent.bigint();
  if (n <= 0n || n % 2n === 0n) modulus.fail('an RSA modulus that is not odd and positive');
  if (e < 3n || e % 2n === 0n || e >= 1n << 64n) exponent.fail('an RSA exponent out of range');
  return n.toString(2).length;
}

/**
 * The kind of key in a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). Elliptic keys are uncompressed points on
 * named curves (RFC 5480); parameters are as RFC 8017, RFC 4055 and RFC 8410 ask.
 * @throws ConsulError DER_INVALID when the structure or the key in it is malformed
 */
export function readSpki(spki: Uint8Array): PublicKeyAlgorithm {
  const root = readDer(spki);
  const [algorithm, key, ...more] = root.sequence();
  const [identifier, parameters, ...rest] = algorithm?.sequence() ?? [];
  if (!key || !identifier || more.length > 0 || rest.length > 0)
    return root.fail('a malformed SubjectPublicKeyInfo');
  const octets = key.bitOctets();
  const name = identifier.oid();
  switch (name) {
    case '1.2.840.10045.2.1': {
      const named = parameters?.tag === tag.oid ? parameters.oid() : '';
      const curve = curveByOid.get(named);
      const brainpool = brainpoolByOid.get(named);
      const fieldLength =
        (curve && curves[curve].fieldLength) ?? (brainpool && brainpoolCurves[brainpool].fieldLength);
      if (fieldLength === undefined) return { kind: 'unsupported', oid: name };
      if (octets.length !== 1 + 2 * fieldLength || octets[0] !== 4)
        key.fail(`not an uncompressed point of ${curve ?? brainpool}`);
      if (curve) return { kind: 'ec', curve };
      return { kind: 'unsupported', oid: name, ...(brainpool && { brainpool }) };
    }
    case '1.2.840.113549.1.1.1':
      if (parameters?.tag !== tag.null) root.fail('an rsaEncryption key without NULL parameters');
      return { kind: 'rsa', bits: readRsaKey(octets) };
    case '1.2.840.113549.1.1.10': {
      const bits = readRsaKey(octets);
      if (!parameters) return { kind: 'rsa', bits, pss: 'any' };
      const pss = readPssParameters(parameters);
      return pss ? { kind: 'rsa', bits, pss } : { kind: 'unsupported', oid: name };
    }
    case '1.3.101.112':
      if (parameters || octets.length !== 32) root.fail('a malformed Ed25519 key');
      return { kind: 'ed25519' };
    default:
      return { kind: 'unsupported', oid: name };
  }
}

/** Whether a key of this kind may check signatures of this scheme (the minimum of RFC 4055 §3.1 for PSS keys). */
export function keyFits(
  key: PublicKeyAlgorithm,
  algorithm: SignatureAlgorithm | BrainpoolAlgorithm,
): boolean {
  switch (algorithm.name) {
    case 'ecdsa':
      return key.kind === 'ec' && key.curve === algorithm.curve;
    case 'ecdsa-brainpool':
      return key.kind === 'unsupported' && key.brainpool === algorithm.curve;
    case 'rsa-pkcs1':
      return key.kind === 'rsa' && key.pss === undefined;
    case 'rsa-pss': {
      if (key.kind !== 'rsa') return false;
      if (key.pss === undefined || key.pss === 'any') return true;
      return key.pss.hash === algorithm.hash && algorithm.saltLength >= key.pss.saltLength;
    }
    case 'ed25519':
      return key.kind === 'ed25519';
  }
}

const rsaEncryption = sequence(oid('1.2.840.113549.1.1.1'), nul);

/**
 * The SPKI that platforms can import for `algorithm`: the given one, or for an id-RSASSA-PSS key the same key as
 * rsaEncryption, because WebCrypto knows no other.
 * @throws ConsulError CERTIFICATE_INVALID when the key is malformed, or of another kind than `algorithm` needs
 */
export function importableSpki(
  algorithm: SignatureAlgorithm | BrainpoolAlgorithm,
  spki: Uint8Array,
): Uint8Array {
  let key: PublicKeyAlgorithm;
  try {
    key = readSpki(spki);
  } catch (cause) {
    throw new ConsulError('CERTIFICATE_INVALID', 'the public key is malformed', { cause });
  }
  if (!keyFits(key, algorithm))
    throw new ConsulError('CERTIFICATE_INVALID', `the public key is not for ${algorithm.name}`);
  if (key.kind === 'rsa' && (key.bits < rsaBits.least || key.bits > rsaBits.most))
    throw new ConsulError('CERTIFICATE_INVALID', `an RSA key of ${key.bits} bits`);
  if (key.kind !== 'rsa' || key.pss === undefined) return spki;
  const [, subjectPublicKey] = readDer(spki).sequence();
  return sequence(rsaEncryption, bitString(subjectPublicKey?.bitOctets() ?? new Uint8Array()));
}
